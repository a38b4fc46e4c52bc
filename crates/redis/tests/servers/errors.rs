//! Each error says what is wrong, and none says a password.

use std::time::Duration;

use sealed_session::revocation::RevocationStore;
use sealed_session_redis::{ErrorKind, RedisStore, Replicas};

use crate::support::*;

fn with_cause(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause} [{error:?}]")
}

#[tokio::test]
async fn a_wrong_password_is_an_error_without_the_password() {
    let server = Server::start(&["--requirepass", "right-secret"]);
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port);
    for (login, what) in [("", "NOAUTH"), (":wrong-secret@", ""), ("nobody:wrong-secret@", "")] {
        let builder = RedisStore::node(at(login), Replicas(0));
        assert!(!format!("{builder:?}").contains("secret"));
        let store = builder.build().unwrap();
        assert!(!format!("{store:?}").contains("secret"));
        let error = store.append(&[id(1)], later(), 1).await.unwrap_err();
        let text = with_cause(&*error);
        println!("{text}");
        assert_eq!(kind(&*error), ErrorKind::Refused);
        assert!(text.contains(what) && !text.contains("secret"), "{text}");
    }
    let store = RedisStore::node(at(":right-secret@"), Replicas(0)).build().unwrap();
    store.append(&[id(1)], later(), 1).await.unwrap();
    let login = RedisStore::node(server.url(), Replicas(0)).login("default", "right-secret");
    login.build().unwrap().heartbeat().await.unwrap();
    let bad = RedisStore::node("redis://u:top-secret@host:notaport", Replicas(0)).build();
    let text = with_cause(&bad.unwrap_err());
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn nobody_there_is_an_error() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let store = RedisStore::node(url, Replicas(0)).build().unwrap();
    let error = store.heartbeat().await.unwrap_err();
    println!("{}", with_cause(&*error));
    assert_eq!(kind(&*error), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_replica_is_refused() {
    let primary = Server::start(&[]);
    let replica = Server::replica_of(&primary, &[]);
    let store = RedisStore::node(replica.url(), Replicas(0)).build().unwrap();
    let error = store.read(None, Duration::ZERO).await.unwrap_err();
    println!("{}", with_cause(&*error));
    assert_eq!(kind(&*error), ErrorKind::NotPrimary);
}

#[tokio::test]
async fn full_memory_is_an_error() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let store = RedisStore::node(server.url(), Replicas(0)).build().unwrap();
    store.append(&[id(1)], later(), 1).await.unwrap();
    server.ask(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let append = store.append(&[id(2)], later(), 1).await.unwrap_err();
    println!("{}", with_cause(&*append));
    assert!(append.to_string().contains("OOM"), "{append}");
    assert_eq!(kind(&*append), ErrorKind::Refused);
    assert!(store.heartbeat().await.unwrap_err().to_string().contains("OOM"));
    assert_eq!(read_all(&store).await.unwrap().0.len(), 1, "reading goes on");
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    store.heartbeat().await.unwrap();
}

#[tokio::test]
async fn a_server_that_wants_replicas_is_an_error() {
    let server = Server::start(&[]);
    let store = RedisStore::node(server.url(), Replicas(0)).build().unwrap();
    store.append(&[id(1)], later(), 1).await.unwrap();
    server.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let append = store.append(&[id(2)], later(), 1).await.unwrap_err();
    println!("{}", with_cause(&*append));
    assert!(append.to_string().contains("NOREPLICAS"), "{append}");
    assert!(store.heartbeat().await.unwrap_err().to_string().contains("NOREPLICAS"));
}

#[tokio::test]
async fn a_user_needs_only_these_rights() {
    let server = Server::start(&[]);
    let text = include_str!("../../README.md");
    let line = text.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    server.ask(&words);
    let url = format!("redis://sessions:secret@127.0.0.1:{}", server.port);
    let store = RedisStore::node(url, Replicas(0)).prefix("shop").build().unwrap();
    let (_, position) = read_all(&store).await.unwrap();
    let appended = store.append(&[id(1)], later(), 1).await.unwrap();
    let mark =
        sealed_session::revocation::Mark { target: id(2), number: appended.number, until: later() };
    store.publish(&[mark]).await.unwrap();
    store.heartbeat().await.unwrap();
    let batch = store.read(Some(&position), Duration::from_millis(100)).await.unwrap();
    assert_eq!(batch.marks.len(), 2);
    server.ask(&["DEL", "{shop}:last"]);
    store.append(&[id(1)], later(), 1).await.unwrap();
    // Other keys are not for it.
    let url = format!("redis://sessions:secret@127.0.0.1:{}", server.port);
    let other = RedisStore::node(url, Replicas(0)).prefix("other").build().unwrap();
    let error = other.append(&[id(1)], later(), 1).await.unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn certificates_are_checked() {
    let directory = new_directory();
    let run = |command: &str| {
        let mut shell = std::process::Command::new("sh");
        let shell = shell.args(["-ec", command]).current_dir(&directory);
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    for name in ["ca", "other"] {
        run(&format!(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 \
             -subj /CN={name} -addext basicConstraints=critical,CA:TRUE"
        ));
    }
    run("openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost
         printf 'subjectAltName=DNS:localhost' > leaf.ext
         openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
         -extfile leaf.ext -out leaf.pem");
    let file = |name: &str| directory.join(name).display().to_string();
    let (leaf, leaf_key, ca, tls_port) =
        (file("leaf.pem"), file("leaf.key"), file("ca.pem"), free_port().to_string());
    let _server = Server::start(&[
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &leaf,
        "--tls-key-file",
        &leaf_key,
        "--tls-ca-cert-file",
        &ca,
        "--tls-auth-clients",
        "no",
    ]);
    let at = |host: &str, root: &str| {
        let root = std::fs::read(directory.join(root)).unwrap();
        let url = format!("rediss://{host}:{tls_port}");
        RedisStore::node(url, Replicas(0)).root(root).build().unwrap()
    };
    at("localhost", "ca.pem").heartbeat().await.unwrap();
    at("localhost", "ca.pem").append(&[id(1)], later(), 1).await.unwrap();
    for (host, root) in [("localhost", "other.pem"), ("127.0.0.1", "ca.pem")] {
        let error = at(host, root).heartbeat().await.unwrap_err();
        println!("{}", with_cause(&*error));
        assert_eq!(kind(&*error), ErrorKind::Unreachable);
    }
    let unchecked = format!("rediss://localhost:{tls_port}/#insecure");
    let error = RedisStore::node(unchecked, Replicas(0)).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setting);
}
