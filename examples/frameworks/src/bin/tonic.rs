//! tonic: `cargo run -p frameworks --no-default-features --features tonic --bin tonic`.
//!
//! For browsers (gRPC-Web) and other clients that keep cookies. A call that fails has HTTP's status 200 all the same,
//! so what it wrote in the session is sent.

use sealed_session::{Codec, Dynamic, Key, Keyring, Session, SessionError, SessionLayer};
use tonic::codegen::BoxStream;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// The service of gRPC's health check, because it needs no generated code. It counts visits.
#[derive(Clone)]
struct Visits;

#[tonic::async_trait]
impl Health for Visits {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let Some(session) = request.extensions().get::<Session>() else {
            return Err(Status::internal("the SessionLayer is missing"));
        };
        let visits = count(session).map_err(status)?;
        let mut response = Response::new(HealthCheckResponse::default());
        response.metadata_mut().insert("visits", visits.into());
        Ok(response)
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("visits are not watched"))
    }
}

fn count(session: &Session) -> Result<u32, SessionError> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(visits)
}

fn status(error: SessionError) -> Status {
    let code = match error.status() {
        401 => Code::Unauthenticated,
        503 => Code::Unavailable,
        _ => Code::Internal,
    };
    Status::new(code, "the session could not be used")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    let mut server = Server::builder().layer(SessionLayer::new(codec));
    println!("http://127.0.0.1:3000");
    server.add_service(HealthServer::new(Visits)).serve("127.0.0.1:3000".parse()?).await?;
    Ok(())
}

#[cfg(test)]
#[tokio::test]
async fn the_second_visit_is_counted() -> Result<(), Box<dyn std::error::Error>> {
    use tonic_health::pb::health_client::HealthClient;
    use tower::Layer as _;

    let codec = Codec::<Dynamic>::new(Keyring::new(Key::generate()?))?;
    let service = SessionLayer::new(codec).layer(HealthServer::new(Visits));
    let mut client = HealthClient::new(service);
    let first = client.check(HealthCheckRequest::default()).await?;
    let mut second = Request::new(HealthCheckRequest::default());
    let cookie = first.metadata().get("set-cookie").expect("a cookie").clone();
    second.metadata_mut().insert("cookie", cookie);
    assert_eq!(client.check(second).await?.metadata().get("visits").expect("a count"), "2");
    Ok(())
}
