//! `sealed-session inspect`, run as somebody on call runs it.

mod answers;
mod broken;
mod paste;
mod support;
