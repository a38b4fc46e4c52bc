//! Floats come back bit for bit, and writing back what was read changes nothing.
//!
//! Random bit patterns, as many to a token as fit into a cookie: a million f64 through the codec in
//! each form, fewer where the way is the same.

use std::fmt::Debug;
use std::marker::PhantomData;

use sealed_session::{Codec, Dynamic, Entries, SessionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{Rng, ring};

const MANY: usize = 1_000_000;
const FEW: usize = 50_000;

trait Float: Serialize + DeserializeOwned + Copy + Debug + Send + Sync + 'static {
    /// How many fit into a cookie named `session`, however long their text is.
    const IN_A_COOKIE: usize;
    /// What is most likely to be rounded, or to lose its sign.
    const EDGES: &[Self];

    fn from_random(bits: u64) -> Self;
    fn bits(self) -> u64;
    fn is_finite(self) -> bool;
}

impl Float for f64 {
    // The longest text is that of -1.2345678901234567e-308: 24 bytes and a comma.
    const IN_A_COOKIE: usize = 119;
    const EDGES: &[Self] =
        &[0.0, -0.0, 0.1, 1.0, 5e-324, Self::MIN_POSITIVE, Self::MAX, Self::MIN, Self::EPSILON];

    fn from_random(bits: u64) -> Self {
        Self::from_bits(bits)
    }

    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Float for f32 {
    // The longest text is that of -1.23456789e-38: 15 bytes and a comma.
    const IN_A_COOKIE: usize = 187;
    const EDGES: &[Self] =
        &[0.0, -0.0, 0.1, 1.0, 1e-45, Self::MIN_POSITIVE, Self::MAX, Self::MIN, Self::EPSILON];

    fn from_random(bits: u64) -> Self {
        Self::from_bits((bits >> 32) as u32)
    }

    fn bits(self) -> u64 {
        self.to_bits().into()
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

/// A kind whose data is a list of floats.
struct Floats<F>(PhantomData<fn() -> F>);

impl<F: Float> SessionKind for Floats<F> {
    type Data = Vec<F>;
    const NAME: &'static str = "session";
}

/// The edges, and then random finite floats, a cookie's worth at a time.
fn batches<F: Float>(count: usize) -> impl Iterator<Item = Vec<F>> {
    let mut random = Rng::new(20);
    let random = std::iter::repeat_with(move || F::from_random(random.next()));
    let random = random.filter(|float| float.is_finite()).take(count);
    let mut floats = F::EDGES.iter().copied().chain(random);
    std::iter::repeat_with(move || floats.by_ref().take(F::IN_A_COOKIE).collect())
        .take_while(|batch: &Vec<F>| !batch.is_empty())
}

fn codec<K: SessionKind>() -> Codec<K> {
    Codec::new(ring(&[7])).unwrap()
}

#[track_caller]
fn same_bits<F: Float>(found: &[F], expected: &[F]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let apart = found.bits().abs_diff(expected.bits());
        assert_eq!(apart, 0, "{expected:?} came back as {found:?}");
    }
}

fn opens_as_it_was_sealed_in_a_type<F: Float>(count: usize) {
    let codec = codec::<Floats<F>>();
    for batch in batches(count) {
        let token = codec.encode(&batch).unwrap();
        same_bits(&codec.decode(token).unwrap().data, &batch);
    }
}

fn opens_as_it_was_sealed_in_an_entry<F: Float>(count: usize) {
    let codec = codec::<Dynamic>();
    for batch in batches::<F>(count) {
        let mut entries = Entries::new();
        entries.insert("floats", &batch).unwrap();
        let opened = codec.decode(codec.encode(&entries).unwrap()).unwrap().data;
        same_bits(&opened.get::<Vec<F>>("floats").unwrap().unwrap(), &batch);
    }
}

#[test]
fn an_f64_of_a_type_opens_as_it_was_sealed() {
    opens_as_it_was_sealed_in_a_type::<f64>(MANY);
}

#[test]
fn an_f32_of_a_type_opens_as_it_was_sealed() {
    opens_as_it_was_sealed_in_a_type::<f32>(FEW);
}

#[test]
fn an_f64_in_an_entry_opens_as_it_was_sealed() {
    opens_as_it_was_sealed_in_an_entry::<f64>(MANY);
}

#[test]
fn an_f32_in_an_entry_opens_as_it_was_sealed() {
    opens_as_it_was_sealed_in_an_entry::<f32>(FEW);
}

#[cfg(feature = "session")]
mod written_back {
    use std::convert::Infallible;
    use std::future::ready;

    use http::header::{COOKIE, SET_COOKIE};
    use http::{Request, Response};
    use sealed_session::{Codec, Dynamic, Entries, Session, SessionKind, SessionLayer};
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::{FEW, Float, Floats, batches, codec, same_bits};

    /// Whether the response to a request with this session sets a cookie, when `handler` has run.
    async fn sets_a_cookie<K: SessionKind>(
        codec: &Codec<K>,
        token: &str,
        mut handler: impl FnMut(&Session<K>),
    ) -> bool {
        let service = service_fn(|request: Request<()>| {
            handler(request.extensions().get::<Session<K>>().unwrap());
            ready(Ok::<_, Infallible>(Response::new(())))
        });
        let request =
            Request::get("/").header(COOKIE, format!("session={token}")).body(()).unwrap();
        let response = SessionLayer::new(codec.clone()).layer(service).oneshot(request).await;
        response.unwrap().headers().contains_key(SET_COOKIE)
    }

    async fn in_a_type<F: Float>() {
        let codec = codec::<Floats<F>>();
        for batch in batches::<F>(FEW) {
            let token = codec.encode(&batch).unwrap();
            let set = sets_a_cookie(&codec, &token, |session| {
                let floats = session.data().unwrap();
                same_bits(&floats, &batch);
                session.set(floats).unwrap();
                let _ = session.update(|_| ()).unwrap();
            });
            assert!(!set.await, "{batch:?}");
        }
    }

    async fn in_an_entry<F: Float>() {
        let codec = codec::<Dynamic>();
        for batch in batches::<F>(FEW) {
            let mut entries = Entries::new();
            entries.insert("floats", &batch).unwrap();
            let token = codec.encode(&entries).unwrap();
            let set = sets_a_cookie(&codec, &token, |session| {
                let floats = session.get::<Vec<F>>("floats").unwrap().unwrap();
                same_bits(&floats, &batch);
                session.insert("floats", floats).unwrap();
            });
            assert!(!set.await, "{batch:?}");
        }
    }

    #[tokio::test]
    async fn writing_the_same_f64s_to_a_type_is_not_a_change() {
        in_a_type::<f64>().await;
    }

    #[tokio::test]
    async fn writing_the_same_f32s_to_a_type_is_not_a_change() {
        in_a_type::<f32>().await;
    }

    #[tokio::test]
    async fn writing_the_same_f64s_to_an_entry_is_not_a_change() {
        in_an_entry::<f64>().await;
    }

    #[tokio::test]
    async fn writing_the_same_f32s_to_an_entry_is_not_a_change() {
        in_an_entry::<f32>().await;
    }
}
