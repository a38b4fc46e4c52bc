//! `OAuthCookies`: keeps what an OAuth login needs between its start and its callback, in one sealed
//! cookie per login. It talks to no provider, and knows no HTTP: it treats cookies as text.

mod builder;
mod login;
mod pending;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use blake2::digest::consts::U4;
use blake2::{Blake2b, Digest as _};
use zeroize::Zeroizing;

pub use self::builder::OAuthCookiesBuilder;
pub use self::login::OAuthLogin;
use self::pending::Pending;
use crate::codec::Codec;
use crate::cookies::{CookieOptions, SetCookie, named_values, values};
use crate::crypto::key_set::Demand;
use crate::crypto::keyring::Keyring;
use crate::crypto::random;
use crate::error::{
    ConfigError, ConfigErrorKind, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind,
    OAuthError, OAuthErrorKind,
};

/// How many logins a browser can have begun at once.
const MAX_LOGINS: usize = 4;
/// How many cookies of logins a start looks at, so that planted ones cost neither time nor a response
/// with more headers than a proxy accepts.
const MAX_LOOKED_AT: usize = 16;
/// How many cookies of one name a callback tries.
const MAX_CANDIDATES: usize = 4;
/// How long all Cookie lines of the callback may be, in bytes: as for sessions.
const MAX_COOKIE_HEADER: usize = 7_500;
/// The bytes of a state that is drawn here: 160 bits, as RFC 6749, section 10.10, recommends.
const STATE_LEN: usize = 20;
/// The hexadecimal digits after the cookie's base name.
const SUFFIX_LEN: usize = 8;

/// Keeps what an OAuth or OpenID Connect login needs between its start and its callback: the PKCE
/// verifier, the nonce, and where the user wanted to go. Each login has one sealed cookie, so that logins
/// in several tabs do not disturb each other. The server stores nothing.
///
/// ```
/// use sealed_session::{Key, Keyring, OAuthCookies, OAuthLogin};
///
/// let logins = OAuthCookies::new(Keyring::new(Key::generate()?))?;
///
/// // GET /auth/start: the verifier is that of `oauth2::PkceCodeChallenge::new_random_sha256`.
/// # let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// let login = OAuthLogin::new("example", verifier).with_next("/orders?page=2");
/// # let cookie_lines: [&str; 0] = [];
/// let started = logins.start(cookie_lines, login)?;
/// // Redirect to the provider with `started.state`, and append `started.set_cookies`.
///
/// // GET /auth/callback?code=…&state=…
/// # let cookie = started.set_cookies[0].split(';').next().unwrap().to_owned();
/// # let cookie_lines = [cookie];
/// # let state_of_the_callback = started.state.clone();
/// let finished = logins.finish(cookie_lines, "example", &state_of_the_callback);
/// // Append `finished.set_cookies` whatever the answer is.
/// let login = finished.login?;
/// assert_eq!((login.pkce_verifier(), login.next()), (verifier, "/orders?page=2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cookie lines are the values of the request's `Cookie` headers; with the crate `http`,
/// `headers.get_all(COOKIE)`. [The guide](crate::guide::oauth) has the steps with axum and the crate
/// `oauth2`, and `examples/oauth` in the repository is a program. Clones share everything.
///
/// # Security
///
/// - The callback is accepted only in the browser that has the cookie, so a stolen or planted callback
///   URL logs nobody in (RFC 9700, section 4.7). The state is sealed into the cookie and compared in
///   constant time.
/// - A callback removes its cookie. Somebody who has kept a copy of the cookie can send it again until it
///   times out; that a code works only once is the provider's task (RFC 6749, section 4.1.2).
/// - Several providers: see [`finish`](Self::finish).
/// - A sibling subdomain can plant a cookie for this host, also one of a login that it began itself, and so
///   log a user into the attacker's account. With the path `/` the prefix is `__Host-`, and then it
///   cannot: see [`path`](OAuthCookiesBuilder::path).
pub struct OAuthCookies {
    codec: Codec<Pending>,
    options: Arc<CookieOptions>,
}

/// A login that has begun; what [`OAuthCookies::start`] returns.
///
/// `Debug` leaves the state and the cookies out.
#[non_exhaustive]
#[must_use = "the state belongs into the provider's URL, and the cookies into the response"]
pub struct OAuthStarted {
    /// The parameter `state` for the provider.
    pub state: String,
    /// The values of the response's `Set-Cookie` headers: the new login's, and removals.
    pub set_cookies: Vec<String>,
}

/// A login whose callback has come; what [`OAuthCookies::finish`] returns.
///
/// `Debug` leaves the cookies out.
#[non_exhaustive]
#[must_use = "the cookies belong into the response, also if the login failed"]
pub struct OAuthFinished {
    /// What was kept since the start, or why the callback is refused.
    pub login: Result<OAuthLogin, OAuthError>,
    /// The values of the response's `Set-Cookie` headers: the removal of this login's cookie.
    pub set_cookies: Vec<String>,
}

/// A login whose cookie came with the request of another start.
struct Begun {
    name: String,
    at: SystemTime,
    /// How many bytes its cookies have in the request.
    len: usize,
}

impl OAuthCookies {
    /// The default settings: the path `/auth`, `SameSite=Lax`, ten minutes, the name
    /// `__Secure-oauth-` with eight hexadecimal digits.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// let logins = OAuthCookies::new(Keyring::new(Key::generate()?))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the primary key is a fastify key.
    pub fn new(keyring: Keyring) -> Result<Self, ConfigError> {
        Self::builder(keyring).build()
    }

    /// A builder for other settings. The keyring may be that of the sessions.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let keyring = Keyring::new(Key::generate()?);
    /// let logins = OAuthCookies::builder(keyring).path("/account/oauth").build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(keyring: Keyring) -> OAuthCookiesBuilder {
        OAuthCookiesBuilder::new(keyring)
    }

    /// Begins a login: draws its state, unless the login has one, and seals it into a cookie.
    ///
    /// `cookie_lines` are the values of the request's `Cookie` headers. The result also removes cookies
    /// of logins that no longer open or have timed out. If four others are left, or if the Cookie lines
    /// would have more than 7,500 bytes, it removes the oldest.
    ///
    /// ```
    /// use sealed_session::{OAuthCookies, OAuthError, OAuthLogin, OAuthStarted};
    ///
    /// fn start(logins: &OAuthCookies, cookie: &str, verifier: &str) -> Result<String, OAuthError> {
    ///     let OAuthStarted { state, set_cookies, .. } =
    ///         logins.start([cookie], OAuthLogin::new("example", verifier))?;
    ///     let headers: String =
    ///         set_cookies.iter().map(|line| format!("set-cookie: {line}\r\n")).collect();
    ///     Ok(format!("{headers}location: https://example.com/authorize?state={state}\r\n"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OAuthErrorKind::NextNotLocal`] and [`OAuthErrorKind::NextTooLong`] for a `next` that a user may
    /// have been given by an attacker: answer 400, or begin without it.
    /// [`OAuthErrorKind::ProviderName`], [`OAuthErrorKind::PkceVerifier`], [`OAuthErrorKind::Nonce`] and
    /// [`OAuthErrorKind::State`] for mistakes of the application. [`OAuthErrorKind::NotSealed`] if the
    /// operating system gives no randomness.
    pub fn start<L: AsRef<[u8]>>(
        &self,
        cookie_lines: impl IntoIterator<Item = L>,
        login: OAuthLogin,
    ) -> Result<OAuthStarted, OAuthError> {
        login.check()?;
        let state = login.state().map_or_else(draw_state, |state| Ok(state.to_owned().into()))?;
        let cookie = self.cookie(&self.name_of(&state));
        let lines: Vec<L> = cookie_lines.into_iter().collect();

        let token = self.codec.encode(pending::Data::new(&state, login)).map_err(not_sealed)?;
        let (mut begun, mut surplus) = self.begun(&lines, cookie.name());
        // What this response removes or replaces in any case is no reason to give up a login.
        let goes = |name: &str| name == cookie.name() || surplus.iter().any(|junk| junk == name);
        let gone = self.logins(&lines).filter(|(name, _)| goes(name));
        let gone: usize = gone.map(|(name, value)| name.len() + 1 + value.len()).sum();
        begun.sort_by_key(|login| login.at);
        let mut oldest = begun.into_iter().peekable();
        let mut left = oldest.len();
        let mut len = cookie.name().len()
            + token.len()
            + lines.iter().map(|line| line.as_ref().len()).sum::<usize>()
            - gone;
        while let Some(login) = oldest.next_if(|_| left >= MAX_LOGINS || len > MAX_COOKIE_HEADER) {
            left -= 1;
            len -= login.len;
            surplus.push(login.name);
        }

        let mut set_cookies: Vec<_> =
            surplus.iter().map(|name| self.cookie(name).removal().to_owned()).collect();
        set_cookies.push(with_value(&cookie, &token));
        Ok(OAuthStarted { state: String::clone(&state), set_cookies })
    }

    /// Ends a login: finds its cookie by the callback's state, opens it and removes it.
    ///
    /// Call it for every callback, also for one with `error=access_denied`, so that the cookie is
    /// removed, and append `set_cookies` to the response in either case. `state` is the callback's
    /// parameter, or empty if there is none.
    ///
    /// `provider` is the name of the provider whose callback this is: the same as at the start.
    ///
    /// ```
    /// use sealed_session::{OAuthCookies, OAuthFinished};
    ///
    /// fn finish(logins: &OAuthCookies, cookie: &str, state: &str) -> (u16, Vec<String>) {
    ///     let OAuthFinished { login, set_cookies, .. } = logins.finish([cookie], "example", state);
    ///     match login {
    ///         Ok(login) => (303, set_cookies), // exchange the code, with login.pkce_verifier()
    ///         Err(error) => {
    ///             eprintln!("login refused: {error}");
    ///             (400, set_cookies)
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Security
    ///
    /// With several providers, a dishonest one can have its user's code sent to another one's callback
    /// (a mix-up attack, RFC 9700, section 4.4). So `provider` must come from the callback, and not from
    /// a cookie or a session. Give each provider a redirect URI of its own, and pass its name. Or use one
    /// redirect URI for all, name the providers by their issuer, and pass the callback's parameter `iss`
    /// (RFC 9207); then every provider has to send it. With one provider, pass a constant.
    ///
    /// When the user is known, call `Session::regenerate`, so that nothing of the session before survives.
    pub fn finish<L: AsRef<[u8]>>(
        &self,
        cookie_lines: impl IntoIterator<Item = L>,
        provider: &str,
        state: &str,
    ) -> OAuthFinished {
        if state.is_empty() {
            let login = Err(OAuthErrorKind::NoState.into());
            return OAuthFinished { login, set_cookies: Vec::new() };
        }
        let lines: Vec<L> = cookie_lines.into_iter().collect();
        let name = self.name_of(state);
        let tokens = lines.iter().flat_map(|line| values(line.as_ref(), name.as_bytes()));
        let Some(opened) = self.open_first(tokens, state) else {
            let others: HashSet<_> = self.logins(&lines).map(|(name, _)| name).collect();
            let kind = match others.len() {
                0 => OAuthErrorKind::NoCookie,
                others => OAuthErrorKind::UnknownState { others },
            };
            return OAuthFinished { login: Err(kind.into()), set_cookies: Vec::new() };
        };
        let login = opened.and_then(|login| {
            if login.provider() != provider {
                let began_at = login.provider().to_owned();
                return Err(OAuthErrorKind::OtherProvider { began_at }.into());
            }
            Ok(login)
        });
        OAuthFinished { login, set_cookies: vec![self.cookie(&name).removal().to_owned()] }
    }

    /// Uses other keys from now on. Not needed after [`Keyring::replace`], which all follow.
    ///
    /// ```
    /// # use sealed_session::{Key, Keyring, OAuthCookies};
    /// # let (old, new) = (Key::generate()?, Key::generate()?);
    /// # let logins = OAuthCookies::new(Keyring::new(old.clone()))?;
    /// logins.replace_keyring(Keyring::new(new).with_previous(old)?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigErrorKind::NeedsNativeKey`] if the primary key is a fastify key. The keys then stay as
    /// they are.
    pub fn replace_keyring(&self, keyring: Keyring) -> Result<(), ConfigError> {
        let seconds = self.codec.inner().settings.idle;
        needs_native_key(&keyring, seconds)?;
        self.codec.replace_keyring(keyring);
        Ok(())
    }

    /// The name of the cookie of the login with this state. It reveals 32 bits of the state's hash.
    fn name_of(&self, state: &str) -> String {
        let digits = base16ct::lower::encode_string(&Blake2b::<U4>::digest(state));
        format!("{}-{digits}", self.codec.cookie_name())
    }

    fn cookie(&self, name: &str) -> SetCookie {
        let options = CookieOptions::clone(&self.options).name(name.to_owned());
        options.prepare("").expect("checked when it was built, but for the digits")
    }

    /// The cookies of logins in these lines: name and value.
    fn logins<'l, L: AsRef<[u8]>>(
        &self,
        lines: &'l [L],
    ) -> impl Iterator<Item = (&'l str, &'l [u8])> {
        let is_ours = |name: &&str| {
            let digits = name
                .strip_prefix(self.codec.cookie_name())
                .and_then(|suffix| suffix.strip_prefix('-'));
            digits.is_some_and(|digits| {
                digits.len() == SUFFIX_LEN
                    && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            })
        };
        let cookies = lines.iter().flat_map(|line| named_values(line.as_ref()));
        cookies.filter_map(move |(name, value)| {
            let name = std::str::from_utf8(name).ok().filter(is_ours)?;
            Some((name, value.trim_ascii()))
        })
    }

    /// The logins in these lines, except for the one whose cookie has this name, and the names of cookies
    /// that are none.
    fn begun<L: AsRef<[u8]>>(&self, lines: &[L], except: &str) -> (Vec<Begun>, Vec<String>) {
        let mut begun: Vec<Begun> = Vec::new();
        let mut junk: Vec<String> = Vec::new();
        for (name, value) in
            self.logins(lines).filter(|(name, _)| *name != except).take(MAX_LOOKED_AT)
        {
            let len = name.len() + 1 + value.len();
            let known = begun.iter_mut().find(|login| login.name == name);
            // A name and the state in its cookie belong together: a copy under another name is junk.
            let at =
                self.open(value).ok().filter(|(pending, _)| self.name_of(pending.state()) == name);
            match (known, at) {
                (Some(known), _) => known.len += len,
                (None, Some((_, at))) => begun.push(Begun { name: name.to_owned(), at, len }),
                (None, None) if junk.iter().any(|junk| junk == name) => {}
                (None, None) => junk.push(name.to_owned()),
            }
        }
        // Two cookies may share a name. The removal would also remove the one that opens.
        junk.retain(|name| begun.iter().all(|login| login.name != *name));
        (begun, junk)
    }

    /// The first of these cookies that opens and has this state. Otherwise why the first was refused, or
    /// `None` if there is none.
    fn open_first<'t>(
        &self,
        tokens: impl Iterator<Item = &'t [u8]>,
        state: &str,
    ) -> Option<Result<OAuthLogin, OAuthError>> {
        let mut refused = None;
        for token in tokens.take(MAX_CANDIDATES) {
            let error = match self.open(token) {
                Ok((pending, _)) if pending.is_of(state) => return Some(Ok(pending.into_login())),
                Ok(_) => OAuthErrorKind::StateMismatch.into(),
                Err(error) => error,
            };
            refused.get_or_insert(error);
        }
        refused.map(Err)
    }

    /// Opens the cookie of a login. Also: when it began.
    fn open(&self, token: &[u8]) -> Result<(pending::Data, SystemTime), OAuthError> {
        let decoded = self.codec.decode(token).map_err(|error| match error.kind() {
            DecodeErrorKind::Expired => OAuthErrorKind::Expired.into(),
            _ => unreadable(error),
        })?;
        // A token in Node's format is not bound to this cookie's name.
        let Some(began_at) = decoded.info.created_at else {
            return Err(unreadable(DecodeErrorKind::NoMatchingKey.into()));
        };
        Ok((decoded.data, began_at))
    }
}

/// The `Set-Cookie` value with this token.
fn with_value(cookie: &SetCookie, token: &str) -> String {
    let Ok(line) = cookie.header(token.len(), None, |line| {
        line.extend_from_slice(token.as_bytes());
        Ok::<(), Infallible>(())
    });
    String::from_utf8(line).expect("a token and attributes are ASCII")
}

/// An error if the primary key is a fastify key, also if it would become one later.
fn needs_native_key(keyring: &Keyring, seconds: u32) -> Result<(), ConfigErrorKind> {
    if !keyring.keeps_header() {
        return Err(ConfigErrorKind::NeedsNativeKey { setting: "OAuthCookies" });
    }
    keyring.demand(Demand { idle: seconds, absolute: seconds, native: true });
    Ok(())
}

fn draw_state() -> Result<Zeroizing<String>, OAuthError> {
    let mut bytes = Zeroizing::new([0; STATE_LEN]);
    random::fill(&mut *bytes).map_err(|_| not_sealed(EncodeErrorKind::Randomness.into()))?;
    Ok(base16ct::lower::encode_string(&*bytes).into())
}

fn not_sealed(error: EncodeError) -> OAuthError {
    OAuthError::caused_by(OAuthErrorKind::NotSealed, error)
}

fn unreadable(error: DecodeError) -> OAuthError {
    OAuthError::caused_by(OAuthErrorKind::Unreadable, error)
}

impl Clone for OAuthCookies {
    fn clone(&self) -> Self {
        Self { codec: self.codec.clone(), options: self.options.clone() }
    }
}

impl fmt::Debug for OAuthCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthCookies").field("cookies", &self.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for OAuthStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthStarted").finish_non_exhaustive()
    }
}

impl fmt::Debug for OAuthFinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthFinished").field("login", &self.login).finish_non_exhaustive()
    }
}
