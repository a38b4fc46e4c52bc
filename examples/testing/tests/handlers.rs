//! Handlers as functions: neither a router nor a layer.

use sealed_session::testing::TestSession;
use tested::{Login, log_out};

#[tokio::test]
async fn logging_out_removes_the_session() {
    let test = TestSession::<Login>::with(Login { user_id: 7 });
    let _to_the_home_page = log_out(test.session()).await;
    test.finish().assert_removed();
}

#[tokio::test]
async fn logging_out_without_a_session_changes_nothing() {
    let test = TestSession::<Login>::empty();
    let _to_the_home_page = log_out(test.session()).await;
    test.finish().assert_kept();
}
