//! What a browser does in these tests: it keeps the site's cookies by name and path, and sends each to the
//! paths that it is for. Loopback counts as secure.

use oauth2::reqwest::{self, Client, Response, StatusCode, redirect};
use oauth2::url::Url;

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

/// A browser. A clone has copies of the cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    site: Url,
    cookies: Vec<Cookie>,
}

/// An answer, once it was read.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Where it redirects to.
    pub(crate) location: Option<Url>,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn at(site: &str) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { client, site: Url::parse(site).unwrap(), cookies: Vec::new() }
    }

    /// Opens a path of the site.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        self.follow(self.site.join(path).unwrap()).await
    }

    /// Opens a page of the site or of the provider.
    pub(crate) async fn follow(&mut self, url: Url) -> Page {
        let mut request = self.client.get(url.clone());
        // The site is on 127.0.0.1, and the provider on localhost.
        let is_site = url.host() == self.site.host();
        if is_site {
            request = request.header("cookie", self.line(url.path()));
        }
        let response = request.send().await.unwrap();
        if is_site {
            self.receive(&response);
        }
        Page::read(response).await
    }

    /// Presses a button of the provider's page, and returns the callback's URL.
    pub(crate) async fn answer(&self, page: Url, user: &str) -> Url {
        let response = self.client.post(page).form(&[("user", user)]).send().await.unwrap();
        let page = Page::read(response).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        page.location.unwrap()
    }

    /// The names of the cookies that a request for this path carries.
    pub(crate) fn names(&self, path: &str) -> Vec<&str> {
        self.sent(path).map(|cookie| cookie.name.as_str()).collect()
    }

    /// Takes a cookie that somebody else has planted.
    pub(crate) fn plant(&mut self, name: &str, value: &str, path: &str) {
        let (name, value, path) = (name.to_owned(), value.to_owned(), path.to_owned());
        self.cookies.push(Cookie { name, value, path });
    }

    fn sent(&self, path: &str) -> impl Iterator<Item = &Cookie> {
        // RFC 6265bis, section 5.1.4.
        self.cookies.iter().filter(move |cookie| {
            path.strip_prefix(&cookie.path).is_some_and(|rest| {
                rest.is_empty() || cookie.path.ends_with('/') || rest.starts_with('/')
            })
        })
    }

    fn line(&self, path: &str) -> String {
        let pairs: Vec<_> =
            self.sent(path).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        pairs.join("; ")
    }

    fn receive(&mut self, response: &Response) {
        for line in response.headers().get_all("set-cookie") {
            let mut parts = line.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<_> = parts.collect();
            assert!(attributes.contains(&"Secure") && attributes.contains(&"HttpOnly"));
            let path = attributes.iter().find_map(|part| part.strip_prefix("Path=")).unwrap();
            self.cookies.retain(|cookie| cookie.name != name || cookie.path != path);
            if !attributes.contains(&"Max-Age=0") {
                self.plant(name, value, path);
            }
        }
    }
}

impl Page {
    async fn read(response: Response) -> Self {
        let location = response
            .headers()
            .get(reqwest::header::LOCATION)
            .map(|location| response.url().join(location.to_str().unwrap()).unwrap());
        Self { status: response.status(), location, body: response.text().await.unwrap() }
    }
}
