//! The behaviours: each function is one, and a test on each framework.

/// Makes each of these functions a test on each framework.
macro_rules! on_each_framework {
    ($($behaviour:ident,)*) => {
        mod axum {
            $(#[test] fn $behaviour() { super::$behaviour::<crate::on_axum::Axum>(); })*
        }
        mod actix {
            $(#[test] fn $behaviour() { super::$behaviour::<crate::on_actix::Actix>(); })*
        }
    };
}

mod caching;
mod cookies;
mod ending;
mod expiry;
mod extractors;
mod failures;
mod flash;
mod late;
mod node;
mod several;
