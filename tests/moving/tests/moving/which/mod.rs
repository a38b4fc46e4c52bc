//! `docs/guide/which_should_i_use.md`: a module for each row of its table, and in it a test for each cell
//! that says what a library does.

mod apps;
mod bound_to_the_name;
mod ended_on_the_server;
mod expiry_in_the_seal;
mod previous_keys;
mod several_of_one_type;
mod too_large;
mod when_a_write_takes_effect;
mod when_the_request_fails;
mod who_can_read_it;
mod with_the_store_away;
