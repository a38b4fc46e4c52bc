//! The guide: a page a subject.
//!
//! [`rotation`]
pub mod rotation {
    //! r
}
