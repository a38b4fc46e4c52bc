//! An allocator that looks at every block before it is given back, for bytes that should be gone.
//!
//! It never holds a secret itself: the needles are kept inverted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

pub const MOST_NEEDLES: usize = 16;
/// So many bytes in a row of a secret count as found.
pub const PIECE: usize = 8;

pub struct Looking;

static WATCHING: AtomicBool = AtomicBool::new(false);
static NEEDLES: [AtomicU64; MOST_NEEDLES] = [const { AtomicU64::new(0) }; MOST_NEEDLES];
/// The needles' first bytes, so that most places are passed over at once.
static FIRST: [AtomicBool; 256] = [const { AtomicBool::new(false) }; 256];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static FOUND: [AtomicU64; MOST_NEEDLES] = [const { AtomicU64::new(0) }; MOST_NEEDLES];
static BLOCKS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static ON_FIND: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Adds a needle: eight bytes, inverted. Returns its number.
pub fn add(inverted: u64) -> usize {
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    NEEDLES[number].store(inverted, Ordering::SeqCst);
    FIRST[usize::from(!inverted as u8)].store(true, Ordering::SeqCst);
    number
}

/// Looks from now on, or no longer.
pub fn watch(on: bool) {
    WATCHING.store(on, Ordering::SeqCst);
}

/// What is called at each find, with the needle's number.
pub fn on_find(call: fn(usize)) {
    ON_FIND.store(call as *mut (), Ordering::SeqCst);
}

/// How often a needle was found since it was last asked.
pub fn found(number: usize) -> u64 {
    FOUND[number].swap(0, Ordering::SeqCst)
}

/// How many blocks and bytes were looked at.
pub fn looked_at() -> (u64, u64) {
    (BLOCKS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst))
}

/// How often each needle is in these bytes.
///
/// # Safety
///
/// They must be readable; what is in them may be anything.
pub unsafe fn search(start: *const u8, len: usize, mut find: impl FnMut(usize)) {
    let count = COUNT.load(Ordering::Relaxed).min(MOST_NEEDLES);
    for offset in 0..(len + 1).saturating_sub(PIECE) {
        // SAFETY: `offset + PIECE <= len`, and all blocks begin zeroed.
        let place = unsafe { start.add(offset) };
        if !FIRST[usize::from(unsafe { place.read() })].load(Ordering::Relaxed) {
            continue;
        }
        // SAFETY: as above.
        let word = unsafe { place.cast::<u64>().read_unaligned() };
        for (number, needle) in NEEDLES[..count].iter().enumerate() {
            if !word == needle.load(Ordering::Relaxed) {
                find(number);
            }
        }
    }
}

fn look(block: *const u8, len: usize) {
    if !WATCHING.load(Ordering::Relaxed) {
        return;
    }
    BLOCKS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(len as u64, Ordering::Relaxed);
    // SAFETY: the block is still allocated, and `len` bytes long.
    unsafe {
        search(block, len, |number| {
            FOUND[number].fetch_add(1, Ordering::Relaxed);
            let call = ON_FIND.load(Ordering::Relaxed);
            // Reporting allocates, too.
            if !call.is_null() && WATCHING.swap(false, Ordering::SeqCst) {
                // SAFETY: `on_find` put nothing else there.
                std::mem::transmute::<*mut (), fn(usize)>(call)(number);
                WATCHING.store(true, Ordering::SeqCst);
            }
        });
    }
}

// SAFETY: the system's allocator, which is asked for and given back exactly what the caller says.
// `realloc` is the default one: a new block, a copy, and the old block given back through here.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that what an earlier owner left is not taken for this one's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        look(block, layout.size());
        unsafe { System.dealloc(block, layout) }
    }
}
