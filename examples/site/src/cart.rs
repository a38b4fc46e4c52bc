//! A shop, and a cart that a visitor can fill before the log-in. It is in the session, so nothing is stored
//! for those who never come back; `sessions::log_in` takes it along. There is room for a list like this
//! one, not for a warehouse: the whole session travels with every request.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect, Response};
use sealed_session::Session;
use serde::{Deserialize, Serialize};

use crate::errors::Failure;
use crate::page::{Flash, Page, show};
use crate::roles::User;
use crate::sessions::Visit;

/// How many of one product.
const MOST: u8 = 9;

pub(crate) struct Product {
    id: u8,
    name: &'static str,
    about: &'static str,
    cents: u32,
}

const PRODUCTS: [Product; 4] = [
    Product { id: 1, name: "Sealing wax", about: "Three sticks, bottle green", cents: 750 },
    Product { id: 2, name: "Brass seal", about: "With a letter of your choice", cents: 2490 },
    Product { id: 3, name: "Envelopes", about: "Twenty, laid paper", cents: 980 },
    Product { id: 4, name: "Ribbon", about: "Five metres of linen", cents: 420 },
];

/// How many of which product. Prices are not in it: they are the shop's, and may change.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cart(BTreeMap<u8, u8>);

struct Line {
    product: &'static Product,
    count: u8,
}

impl Cart {
    pub(crate) fn count(&self) -> u32 {
        self.lines().map(|line| u32::from(line.count)).sum()
    }

    fn set(&mut self, product: &Product, count: u8) {
        match count.min(MOST) {
            0 => self.0.remove(&product.id),
            count => self.0.insert(product.id, count),
        };
    }

    fn count_of(&self, product: &Product) -> u8 {
        self.0.get(&product.id).copied().unwrap_or_default()
    }

    /// What the shop no longer has is left out.
    fn lines(&self) -> impl Iterator<Item = Line> {
        PRODUCTS
            .iter()
            .map(|product| Line { product, count: self.count_of(product) })
            .filter(|line| line.count > 0)
    }
}

impl Product {
    fn price(&self) -> String {
        euros(self.cents)
    }
}

impl Line {
    fn cents(&self) -> u32 {
        self.product.cents * u32::from(self.count)
    }

    fn price(&self) -> String {
        euros(self.cents())
    }
}

fn euros(cents: u32) -> String {
    format!("€{}.{:02}", cents / 100, cents % 100)
}

#[derive(Template)]
#[template(path = "shop.html")]
struct ShopPage {
    page: Page,
    products: &'static [Product],
}

pub(crate) async fn shop(page: Page) -> Result<Response, Failure> {
    show(&ShopPage { page, products: &PRODUCTS })
}

#[derive(Template)]
#[template(path = "cart.html")]
struct CartPage {
    page: Page,
    lines: Vec<Line>,
    total: String,
    /// Not yet ordered, but asked for it: the same list with another button.
    is_review: bool,
}

impl CartPage {
    fn new(page: Page, is_review: bool) -> Self {
        let lines: Vec<_> = page.cart.lines().collect();
        let total = euros(lines.iter().map(Line::cents).sum());
        Self { page, lines, total, is_review }
    }
}

pub(crate) async fn cart(page: Page) -> Result<Response, Failure> {
    show(&CartPage::new(page, false))
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    product: u8,
    /// Without it: one more.
    count: Option<u8>,
}

/// For everybody: the first thing in the cart begins a session.
pub(crate) async fn change(
    session: Session<Visit>,
    Form(wanted): Form<Wanted>,
) -> Result<Redirect, Failure> {
    let product = PRODUCTS.iter().find(|product| product.id == wanted.product);
    let product = product.ok_or(Failure::NotFound)?;
    session.update_or_default(|visit| {
        let more = visit.cart.count_of(product).saturating_add(1);
        visit.cart.set(product, wanted.count.unwrap_or(more));
    })?;
    if wanted.count.is_some() {
        return Ok(Redirect::to("/cart"));
    }
    session.flash(Flash::done(format!("{} is in your cart.", product.name)))?;
    Ok(Redirect::to("/"))
}

/// The first page that needs somebody: whoever comes without a log-in is sent to it, and back.
pub(crate) async fn review(_: User, page: Page) -> Result<Response, Failure> {
    if page.cart.count() == 0 {
        return Ok(Redirect::to("/cart").into_response());
    }
    show(&CartPage::new(page, true))
}

/// A real shop writes the order into its database here, before the cart is emptied.
pub(crate) async fn order(
    User(account): User,
    session: Session<Visit>,
) -> Result<Redirect, Failure> {
    let cart = session.update(|visit| std::mem::take(&mut visit.cart))?.done().unwrap_or_default();
    let flash = match cart.count() {
        0 => Flash::problem("There was nothing in your cart."),
        count => Flash::done(format!("Thank you, {}: {count} ordered.", account.name)),
    };
    session.flash(flash)?;
    Ok(Redirect::to("/"))
}
