//! A channel that shows messages instead of sending them, for the demo and for tests.

use crate::{
    Accepted, Address, Answer, BoxFuture, CallAnswer, CallAnswers, Channel, ChannelKind, Content, Links, Outgoing,
    Purpose, SendError, Ticket,
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;
use types::{AttemptId, SecretString, TenantId};

/// So many messages are kept; older ones are forgotten.
const KEPT: usize = 1000;

/// Shows messages and keeps the last thousand in memory. Carries every kind.
///
/// It is for the demo and for tests: numbers, texts and codes are plainly seen by whoever sees the sink.
pub struct Print {
    sink: Sink,
    outbox: Outbox,
    behavior: Mutex<CallBehavior>,
    answers: OnceLock<CallAnswers>,
}

type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// What the person at the other end of a call does.
#[derive(Clone)]
pub enum CallBehavior {
    /// Presses the keys that the call waits for; does nothing if it waits for none.
    PressExpected,
    /// Presses these.
    Press(SecretString),
    /// Presses the key that reports a fraud, if the call offers one.
    ReportFraud,
    /// Doesn't take the call.
    NoAnswer,
    /// Is on the telephone.
    Busy,
    /// The call is neither answered nor ended: nothing is ever heard of it.
    Silence,
}

/// A message that was shown.
#[derive(Clone)]
pub struct Printed {
    /// How it would have travelled.
    pub kind: ChannelKind,
    /// Who sent it.
    pub tenant: TenantId,
    /// The attempt it belongs to.
    pub txid: Option<AttemptId>,
    /// Why.
    pub purpose: Purpose,
    /// The number, or the mail address.
    pub to: String,
    /// What it says: the text, the call's lines, or a mail's subject, an empty line and its text.
    pub text: SecretString,
}

impl Print {
    /// Shows each message to `sink` as one text of a few lines.
    #[must_use]
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            sink: Box::new(sink),
            outbox: Outbox::default(),
            behavior: Mutex::new(CallBehavior::PressExpected),
            answers: OnceLock::new(),
        }
    }

    /// Shows nothing; the outbox is all.
    #[must_use]
    pub fn quiet() -> Self {
        Self::new(|_| {})
    }

    /// What was sent. It stays the same outbox when this channel has gone to the courier.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// What the person does with the next calls. At first: [`CallBehavior::PressExpected`].
    pub fn on_calls(&self, behavior: CallBehavior) {
        *self.behavior.lock().unwrap_or_else(PoisonError::into_inner) = behavior;
    }

    fn take_call(&self, message: &Outgoing) {
        let (Content::Call(script), Some(txid), Some(answers)) = (&message.content, message.txid, self.answers.get())
        else {
            return;
        };
        let behavior = self.behavior.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = match behavior {
            CallBehavior::PressExpected => script.keys.clone().map(Answer::Keys),
            CallBehavior::Press(keys) => Some(Answer::Keys(keys)),
            CallBehavior::ReportFraud => script.fraud_key.map(|_| Answer::Fraud),
            CallBehavior::NoAnswer => Some(Answer::NoAnswer),
            CallBehavior::Busy => Some(Answer::Busy),
            CallBehavior::Silence => None,
        };
        if let Some(answer) = answer {
            let (answers, tenant) = (answers.clone(), message.tenant);
            // As with a real call, the answer comes after the supplier has taken it.
            tokio::spawn(async move { answers.announce(CallAnswer { tenant, txid, answer }) });
        }
    }
}

impl Channel for Print {
    fn name(&self) -> &str {
        "print"
    }

    fn carries(&self, _: ChannelKind) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let printed = printed(message)?;
            (self.sink)(&shown(&printed));
            self.outbox.put(printed);
            self.take_call(message);
            Ok(Accepted { receipt: String::new(), segments: 1 })
        })
    }

    fn connect(&self, links: &Links) {
        // A second courier on the same channel is a mistake of a test; the first one keeps hearing.
        let _ = self.answers.set(links.answers().clone());
    }
}

fn printed(message: &Outgoing) -> Result<Printed, SendError> {
    let to = match &message.to {
        Address::Number(number, _) => number.expose().to_owned(),
        Address::Mail(address) => address.expose().to_owned(),
    };
    let text = match &message.content {
        Content::Text(text) => text.clone(),
        Content::Call(script) => {
            let said = script.lines.iter().chain(&script.code);
            SecretString::new(said.map(SecretString::expose).collect::<Vec<_>>().join("\n"))
        }
        Content::Code { code, brand, .. } => SecretString::new(format!("{brand}: {}", code.expose())),
        Content::Twiml(twiml) => twiml.clone(),
        Content::Mail { subject, text } => SecretString::new(format!("{subject}\n\n{}", text.expose())),
    };
    Ok(Printed {
        kind: message.kind()?,
        tenant: message.tenant,
        txid: message.txid,
        purpose: message.purpose,
        to,
        text,
    })
}

fn shown(message: &Printed) -> String {
    let head = match message.kind {
        ChannelKind::Sms => "SMS to",
        ChannelKind::Voice => "Call to",
        ChannelKind::Email => "Mail to",
        ChannelKind::WhatsApp => "WhatsApp to",
        ChannelKind::Telegram => "Telegram to",
    };
    let mut out = format!("{head} {}", message.to);
    for line in message.text.expose().lines() {
        out.push_str("\n  ");
        out.push_str(line);
    }
    out
}

/// The messages that a [`Print`] was given. Cloning shares it.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    messages: Mutex<VecDeque<Printed>>,
    came: Notify,
}

impl Outbox {
    /// Takes out the oldest message to this number or mail address; waits for one no longer than `patience`.
    pub async fn wait_for(&self, to: &str, patience: Duration) -> Option<Printed> {
        tokio::time::timeout(patience, async {
            loop {
                let came = self.0.came.notified();
                tokio::pin!(came);
                // Before looking, so that a message which comes in between is not missed.
                came.as_mut().enable();
                if let Some(message) = self.take_first(to) {
                    return message;
                }
                came.await;
            }
        })
        .await
        .ok()
    }

    /// Takes out all messages, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Printed> {
        self.0.messages.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    fn take_first(&self, to: &str) -> Option<Printed> {
        let mut messages = self.0.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let place = messages.iter().position(|message| message.to == to)?;
        messages.remove(place)
    }

    fn put(&self, message: Printed) {
        let mut messages = self.0.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == KEPT {
            messages.pop_front();
        }
        messages.push_back(message);
        drop(messages);
        self.0.came.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Courier, testing::Fixture};

    const NUMBER: &str = "+4915112345678";
    const SOON: Duration = Duration::from_secs(10);

    fn call(fixture: &Fixture, tenant: TenantId, number: &str) -> Outgoing {
        let mut message = fixture.text(tenant, number, "");
        message.txid = Some(AttemptId::new(fixture.store.world().now(), fixture.store.world().random.as_ref()));
        let pair = SecretString::new("42".to_owned());
        let pair = crate::text::calls::Approval::Shown(pair);
        let script = crate::text::calls::approval_call("Acme", "VPN", pair, Some('9'), "en").unwrap();
        message.content = Content::Call(script);
        message
    }

    #[tokio::test]
    async fn messages_are_shown_and_kept() {
        let fixture = Fixture::new().await;
        let (tenant, _) = fixture.tenant("{}", false).await;
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&shown);
        let print = Arc::new(Print::new(move |text| sink.lock().unwrap().push(text.to_owned())));
        let outbox = print.outbox();
        let courier = Courier::new(Arc::clone(&fixture.store), vec![print]);
        let waiting = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.wait_for(NUMBER, SOON).await }
        });
        tokio::task::yield_now().await;
        courier.deliver(fixture.text(tenant, "+4915112345679", "other")).await.unwrap();
        courier.deliver(fixture.text(tenant, NUMBER, "hello\n\n@a.example #123456")).await.unwrap();
        let message = waiting.await.unwrap().unwrap();
        assert_eq!(message.text.expose(), "hello\n\n@a.example #123456");
        assert_eq!(message.kind, ChannelKind::Sms);
        assert_eq!(shown.lock().unwrap()[1], format!("SMS to {NUMBER}\n  hello\n  \n  @a.example #123456"));
        assert!(outbox.wait_for(NUMBER, Duration::from_millis(1)).await.is_none(), "a message is taken once");
        assert_eq!(outbox.take().len(), 1);
    }

    #[tokio::test]
    async fn calls_are_answered_as_told() {
        let fixture = Fixture::new().await;
        let (tenant, _) = fixture.tenant("{}", false).await;
        let print = Arc::new(Print::quiet());
        let courier = Courier::new(Arc::clone(&fixture.store), vec![print.clone()]);
        let mut answers = courier.call_answers();
        let behaviors = [
            CallBehavior::PressExpected,
            CallBehavior::Press(SecretString::new("1".to_owned())),
            CallBehavior::ReportFraud,
            CallBehavior::NoAnswer,
            CallBehavior::Busy,
        ];
        for (turn, behavior) in behaviors.into_iter().enumerate() {
            print.on_calls(behavior.clone());
            let message = call(&fixture, tenant, &format!("+491511234560{turn}"));
            let txid = message.txid;
            courier.deliver(message).await.unwrap();
            let answer = answers.recv().await.unwrap();
            assert_eq!((answer.tenant, Some(answer.txid)), (tenant, txid));
            let right = match (&behavior, &answer.answer) {
                (CallBehavior::PressExpected, Answer::Keys(keys)) => keys.ct_eq("42"),
                (CallBehavior::Press(_), Answer::Keys(keys)) => keys.ct_eq("1"),
                (CallBehavior::ReportFraud, Answer::Fraud)
                | (CallBehavior::NoAnswer, Answer::NoAnswer)
                | (CallBehavior::Busy, Answer::Busy) => true,
                _ => false,
            };
            assert!(right, "{turn}");
        }
        print.on_calls(CallBehavior::Silence);
        courier.deliver(call(&fixture, tenant, NUMBER)).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), answers.recv()).await.is_err());
    }

    #[tokio::test]
    async fn the_outbox_forgets_the_oldest() {
        let outbox = Outbox::default();
        let fixture = Fixture::new().await;
        let (tenant, _) = fixture.tenant("{}", false).await;
        for n in 0..=KEPT {
            outbox.put(printed(&fixture.text(tenant, NUMBER, &n.to_string())).unwrap());
        }
        let kept = outbox.take();
        assert_eq!((kept.len(), kept[0].text.expose()), (KEPT, "1"));
    }
}
