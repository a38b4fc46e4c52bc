//! `cargo run -p oauth-example`, then open the address that it prints.
//!
//! The site is on 127.0.0.1 and the provider on localhost, which a browser takes for two sites. `PORT`
//! sets the site's port.

use oauth_example::provider::{self, Registered};
use oauth_example::site;
use sealed_session::{Key, Keyring, OAuthCookies};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse::<u16>())?;
    let for_site = TcpListener::bind(("127.0.0.1", port)).await?;
    let for_provider = TcpListener::bind(("127.0.0.1", 0)).await?;
    let origin = format!("http://{}", for_site.local_addr()?);
    let provider = format!("http://localhost:{}", for_provider.local_addr()?.port());

    let registered = Registered {
        client_id: "the-site".to_owned(),
        client_secret: provider::random(),
        redirect_uri: format!("{origin}/auth/callback"),
    };
    // This key is lost when the process ends, and so are the logins. A real service reads a key that
    // `genkey` has written.
    let keyring = Keyring::new(Key::generate()?);
    let logins = OAuthCookies::new(keyring.clone())?;
    let app = site::router(keyring, logins, &registered, &provider)?;

    println!("{origin}/");
    tokio::try_join!(
        axum::serve(for_site, app).into_future(),
        axum::serve(for_provider, provider::router(registered)).into_future(),
    )?;
    Ok(())
}
