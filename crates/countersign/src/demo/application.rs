//! The demo's web application: what a person opens in a browser. It has nothing of Countersign's but an integration's two keys, stands
//! on an origin of its own, and sends people to the sign-in page as any application does that asks Duo today.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::net::TcpListener;

use super::universal::{NotRedeemed, Universal, text};
use crate::serve::Shutdown;

/// What a session of a browser is called: cookies of one host go to all its ports, so the name is the application's own.
const COOKIE: &str = "demo-application";
/// So many people may be on their way at once; then all of them begin again.
const MOST: usize = 1000;
/// Bytes of a name and of a query.
const LONGEST: usize = 4096;
const STYLE: &str = include_str!("application.css");

/// The application.
pub(super) struct Application {
    client: Universal,
    look: Look,
    /// Where the one who tries the demo sets up a passkey, and as whom.
    invitation: Invitation,
    /// Who is on the way to the sign-in page, by what their browser holds.
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// A link by which somebody enrols.
pub(super) struct Invitation {
    pub(super) name: &'static str,
    pub(super) link: String,
}

struct Waiting {
    state: String,
    username: String,
}

/// What is shown; everything in it is escaped already.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) main: String,
}

/// How an application of the demo's looks.
pub(super) struct Look {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its forms lead: Chromium holds the redirects behind a form to this, too.
    pub(super) site: String,
}

/// Serves it, and `others` beside it, until `shutdown` begins.
pub(super) async fn serve(
    listener: TcpListener,
    client: Universal,
    invitation: Invitation,
    others: Router,
    shutdown: Shutdown,
) {
    let look = Look { name: "Demo application", site: client.site.clone() };
    let application = Arc::new(Application { client, look, invitation, waiting: Mutex::default() });
    let routes = Router::new()
        .route("/", get(front))
        .route("/sign-in", post(sign_in))
        .route("/callback", get(callback))
        .route("/style.css", get(style))
        .with_state(application)
        .merge(others);
    let stop = async move { shutdown.begun().await };
    // A listener that failed is one that nobody can open any more; the demo goes on without it.
    let _ = axum::serve(listener, routes).with_graceful_shutdown(stop).await;
}

impl Look {
    pub(super) fn page(&self, shown: &Shown) -> Response {
        let Shown { status, title, main } = shown;
        let name = self.name;
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} – {name}</title>\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<link rel=\"stylesheet\" href=\"/style.css\">\n\
             <link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n<header>{name}</header>\n<main>\n<h1>{title}</h1>\n\
             {main}</main>\n</body>\n</html>\n"
        );
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = *status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {}",
            self.site
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

impl Application {
    fn page(&self, shown: &Shown) -> Response {
        self.look.page(shown)
    }

    fn failure(&self, status: StatusCode, why: &str) -> Response {
        let main = format!("<p id=\"error\">{}</p>\n<p><a href=\"/\">Begin again</a></p>\n", escaped(why));
        self.page(&Shown { status, title: "Not signed in", main })
    }
}

/// `GET /`.
async fn front(State(application): State<Arc<Application>>) -> Response {
    let (site, invited) = (escaped(&application.client.site), &application.invitation);
    let (name, link) = (invited.name, escaped(&invited.link));
    let main = format!(
        "<p>An application like any other that sends its people to the sign-in page. It would ask for a password first; this one takes \
         your word for who you are.</p>\n\
         <form method=\"post\" action=\"/sign-in\">\n<label for=\"username\">Name</label>\n\
         <input id=\"username\" name=\"username\" value=\"{name}\" autocomplete=\"username\" autocapitalize=\"none\" \
         spellcheck=\"false\" required>\n<button>Sign in</button>\n</form>\n\
         <h2>The first time</h2>\n\
         <p><a id=\"invitation\" href=\"{link}\">Set up a passkey as “{name}”</a>: this is the link that {name} would have got by mail. It \
         works once. Then sign in above.</p>\n\
         <h2>More to look at</h2>\n<ul>\n\
         <li><a href=\"/wiki\">The demo wiki</a>, which signs people in by OpenID Connect, with the same passkey</li>\n\
         <li><a href=\"{site}/apps\">Your applications</a>: the launcher</li>\n\
         <li><a href=\"{site}/account\">Your account</a>: passkeys, authenticators, recovery codes, sessions</li>\n\
         <li><a href=\"{site}/authenticator/\">The authenticator</a>, an app that your browser installs</li>\n</ul>\n\
         <p>Mails, text messages and calls are shown in the terminal in which the demo runs. As “you” you have a token, a telephone, and \
         an authenticator in that terminal.</p>\n"
    );
    application.page(&Shown { status: StatusCode::OK, title: "Sign in", main })
}

/// `POST /sign-in`: off to the sign-in page.
async fn sign_in(State(application): State<Arc<Application>>, body: Bytes) -> Response {
    let username = field(body.get(..body.len().min(LONGEST)).unwrap_or_default(), "username");
    let username = username.unwrap_or_default().trim().to_owned();
    if username.is_empty() {
        return application.failure(StatusCode::BAD_REQUEST, "Who are you?");
    }
    if let Err(error) = application.client.health_check().await {
        return application.failure(StatusCode::BAD_GATEWAY, &error.to_string());
    }
    let (state, session) = (application.client.state(), application.client.state());
    let address = application.client.authorize(&username, &state);
    {
        let mut waiting = application.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            waiting.clear();
        }
        waiting.insert(session.clone(), Waiting { state, username });
    }
    let mut response = redirect(&address);
    let cookie = format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Sends a browser on by GET.
pub(super) fn redirect(address: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// `GET /callback`: back again.
async fn callback(
    State(application): State<Arc<Application>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let given = |name| field(query.as_bytes(), name).unwrap_or_default();
    let session = cookie(&headers, COOKIE);
    // A session waits for one callback.
    let waiting =
        session.and_then(|session| application.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&session));
    let Some(waiting) = waiting else {
        return application.failure(StatusCode::BAD_REQUEST, "This browser has not begun to sign in here.");
    };
    if !types::ct_eq(given("state").as_bytes(), waiting.state.as_bytes()) {
        return application.failure(StatusCode::BAD_REQUEST, "The state is not the one that was sent.");
    }
    let error = given("error");
    if !error.is_empty() {
        return application.failure(StatusCode::FORBIDDEN, &format!("{error} {}", given("error_description")));
    }
    match application.client.redeem(&given("duo_code"), &waiting.username).await {
        Ok(Ok(claims)) => application.page(&signed_in(&waiting.username, &claims)),
        Ok(Err(NotRedeemed(why))) => application.failure(StatusCode::FORBIDDEN, &why),
        Err(error) => application.failure(StatusCode::BAD_GATEWAY, &error.to_string()),
    }
}

fn signed_in(username: &str, claims: &Value) -> Shown {
    let of = |pointer| escaped(text(claims, pointer).unwrap_or("–"));
    let all = escaped(&serde_json::to_string_pretty(claims).unwrap_or_default());
    let main = format!(
        "<p>You are <b id=\"signed-in\">{}</b>.</p>\n<dl>\n<dt>Result</dt><dd id=\"result\">{}</dd>\n<dt>Factor</dt><dd id=\"factor\">{}\
         </dd>\n<dt>Browser</dt><dd>{}</dd>\n</dl>\n<p><a href=\"/\">Sign in again</a></p>\n\
         <details><summary>Everything that the application was told</summary><pre id=\"claims\">{all}</pre></details>\n",
        escaped(username),
        of("/auth_result/status_msg"),
        of("/auth_context/factor"),
        of("/auth_context/access_device/browser"),
    );
    Shown { status: StatusCode::OK, title: "Signed in", main }
}

async fn style() -> Response {
    let mut response = Response::new(Body::from(STYLE));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    response
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

pub(super) fn field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// For HTML, between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_gets_out_of_its_place() {
        let name = "<script>\"'&";
        assert_eq!(escaped(name), "&lt;script&gt;&quot;&#39;&amp;");
        let shown = signed_in(name, &serde_json::json!({ "auth_context": { "factor": name } }));
        assert!(!shown.main.contains("<script>"), "{}", shown.main);
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; demo-application=xyz; b=2"));
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("xyz"));
        assert_eq!(cookie(&HeaderMap::new(), COOKIE), None);
    }
}
