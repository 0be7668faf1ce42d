//! What policies come to: for one user at one application, and where each applies.

use super::{
    desk::{Desk, failed, found, id},
    policies::sections_of,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope},
};
use directory::Sections;
use serde_json::{Value, json};
use store::{PolicyRow, Slice};
use types::UserId;

/// Policies in a summary at most.
const MOST: i64 = 500;

/// Parameters: `integration_key`, `user_id`. Gives the policies that apply to the user there, from the nearest to the global one, and
/// for each section the nearest one's, which is how the engine reads them.
pub(super) async fn calculate(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let rows = desk.rows();
    let ikey = call.params.required("integration_key")?;
    let user: UserId = id(&call.params, "user_id")?;
    found(rows.user(user).await)?;
    let app = found(rows.integration(ikey).await)?;
    let groups = rows.groups_of_users(&[user]).await.map_err(|error| failed(&error))?;
    let mut layers: Vec<(&str, PolicyRow, Value)> = Vec::new();
    for link in rows.group_policies(ikey).await.map_err(|error| failed(&error))? {
        if let Some((_, group)) = groups.iter().find(|(_, group)| group.id == link.group_id) {
            let whose = json!({ "group_id": group.id.to_string(), "group_name": group.name });
            layers.push(("group_policies", found(rows.policy(link.policy).await)?, whose));
        }
    }
    if let Some(policy) = app.policy {
        layers.push(("application_policy", found(rows.policy(policy).await)?, json!({})));
    }
    layers.push(("global_policy", found(rows.global_policy().await)?, json!({})));
    let mut sections = Sections::new();
    for (_, policy, _) in &layers {
        for (name, section) in sections_of(policy) {
            sections.entry(name).or_insert(section);
        }
    }
    let named = |kind: &str| -> Vec<Value> {
        let of_kind = layers.iter().filter(|(layer, ..)| *layer == kind);
        let named = of_kind.map(|(_, policy, whose)| {
            let mut object = whose.clone();
            if let Some(object) = object.as_object_mut() {
                object.insert("policy_key".to_owned(), policy.id.to_string().into());
                object.insert("policy_name".to_owned(), policy.name.as_str().into());
            }
            object
        });
        named.collect()
    };
    Ok(Envelope::ok(json!({
        "policy_elements": {
            "group_policies": named("group_policies"),
            "application_policy": named("application_policy").pop(),
            "global_policy": named("global_policy").pop(),
        },
        "sections": sections,
    })))
}

/// Where each policy applies.
pub(super) async fn summary(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let rows = desk.rows();
    let page = rows.policies(Slice { offset: 0, limit: MOST }).await.map_err(|error| failed(&error))?;
    let mut policies = Vec::with_capacity(page.rows.len());
    for policy in &page.rows {
        let apps = rows.integrations_of_policy(policy.id).await.map_err(|error| failed(&error))?;
        let links = rows.group_policies_of(policy.id).await.map_err(|error| failed(&error))?;
        let apps =
            apps.iter().map(|app| json!({ "integration_key": app.ikey, "integration_name": app.name, "groups": [] }));
        let groups = links
            .iter()
            .map(|link| json!({ "integration_key": link.ikey, "groups": [{ "group_id": link.group_id.to_string() }] }));
        policies.push(json!({
            "policy_key": policy.id.to_string(),
            "policy_name": policy.name,
            "is_global_policy": policy.is_global,
            "policy_applies_to": apps.chain(groups).collect::<Vec<_>>(),
        }));
    }
    Ok(Envelope::ok(json!({
        "policies": policies,
        "policy_count": page.total,
        "response_is_truncated": page.total > MOST,
    })))
}
