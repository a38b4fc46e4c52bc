//! Sessions that end while requests are handled.
