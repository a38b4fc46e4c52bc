//! What needs tools of Debian: `strace` kills the program at each of its system calls, lets each fail, or
//! takes its lock away; `script` is a terminal. `tests/run` installs them and runs this.

#[path = "../keys/support.rs"]
mod support;

mod killed;
mod terminal;
mod unlocked;
