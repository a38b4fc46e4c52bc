//! Which session layers a request has passed, so that two that use the same cookie are detected.
//!
//! The sessions in the request's extensions show it. A list of the layers there would cost every
//! request an allocation.

use std::any::{TypeId, type_name};
use std::sync::{Arc, OnceLock};

use http::Extensions;

use crate::codec::{Codec, CodecInner};
use crate::kind::SessionKind;
use crate::logging;
use crate::session::{LayerConflict, Session, Written};

/// A kind that has a layer somewhere in this program, and how to find its session in a request.
struct Known {
    kind: TypeId,
    core: fn(&Extensions) -> Option<&Arc<CodecInner>>,
    join: Join,
    next: OnceLock<Box<Known>>,
}

/// Tells the kind's session what the request's other sessions write, or asks it for what it knows.
type Join = for<'e> fn(&'e Extensions, Option<&Arc<Written>>) -> Option<&'e Arc<Written>>;

/// The kinds with a layer. A kind is added once, when its first layer is created. Requests read the
/// list without a lock.
static KNOWN: OnceLock<Box<Known>> = OnceLock::new();

/// In the request's extensions: it has passed a session layer. Its size is zero, so it costs no
/// allocation.
#[derive(Clone)]
struct Passed;

/// Records that there is a layer for this kind.
pub(super) fn register<K: SessionKind>() {
    fn core<K: SessionKind>(extensions: &Extensions) -> Option<&Arc<CodecInner>> {
        extensions.get::<Session<K>>().map(Session::core)
    }
    fn join<'e, K: SessionKind>(
        extensions: &'e Extensions,
        written: Option<&Arc<Written>>,
    ) -> Option<&'e Arc<Written>> {
        extensions.get::<Session<K>>()?.join(written)
    }
    let mut place = &KNOWN;
    loop {
        let known = place.get_or_init(|| {
            let (kind, next) = (TypeId::of::<K>(), OnceLock::new());
            Box::new(Known { kind, core: core::<K>, join: join::<K>, next })
        });
        if known.kind == TypeId::of::<K>() {
            return;
        }
        place = &known.next;
    }
}

fn known() -> impl Iterator<Item = &'static Box<Known>> {
    std::iter::successors(KNOWN.get(), |known| known.next.get())
}

/// The codecs of the session layers that the request has passed.
fn passed(extensions: &Extensions) -> impl Iterator<Item = &Arc<CodecInner>> {
    known().filter_map(|known| (known.core)(extensions))
}

/// Tells the sessions of a request what the others write.
pub(super) fn join_all(extensions: &Extensions) {
    let written = known().find_map(|known| (known.join)(extensions, None)).cloned();
    let written = written.unwrap_or_default();
    for known in known() {
        let _ = (known.join)(extensions, Some(&written));
    }
}

/// The names of the cookies of the layers that the request has passed.
#[cfg(feature = "axum")]
pub(crate) fn cookie_names(extensions: &Extensions) -> impl Iterator<Item = &str> {
    passed(extensions).map(|core| core.cookie.name())
}

/// What a layer does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Serve it: it has passed no session layer before.
    First,
    /// Serve it, in addition to other layers.
    Beside,
    /// Pass it on: this layer conflicts with another.
    Refused,
}

/// Whether the layer of this codec serves the request. It does not if it conflicts with another layer,
/// so that no response carries a cookie twice.
pub(super) fn check_conflict<K: SessionKind>(
    extensions: &mut Extensions,
    codec: &Codec<K>,
) -> Pass {
    if extensions.insert(Passed).is_none() {
        return Pass::First;
    }
    let clash = passed(extensions)
        .find_map(|other| LayerConflict::of(other, codec.inner()))
        .or_else(|| extensions.get::<Session<K>>().map(|_| LayerConflict::Kind(type_name::<K>())));
    let Some(clash) = clash else { return Pass::Beside };
    logging::clash(&clash);
    extensions.insert(clash);
    Pass::Refused
}
