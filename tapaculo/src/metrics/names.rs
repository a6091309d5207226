//! What the figures are called, and what they are.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(super) const CONNECTIONS: &str = "tapaculo_connections";
pub(super) const OPENED: &str = "tapaculo_connections_opened_total";
pub(super) const CLOSED: &str = "tapaculo_connections_closed_total";
pub(super) const ROOMS: &str = "tapaculo_rooms";
pub(super) const MESSAGES: &str = "tapaculo_messages_total";
pub(super) const RECEIVED_BYTES: &str = "tapaculo_received_bytes_total";
pub(super) const SENT_FRAMES: &str = "tapaculo_sent_frames_total";
pub(super) const SENT_BYTES: &str = "tapaculo_sent_bytes_total";
pub(super) const REFUSALS: &str = "tapaculo_refusals_total";
pub(super) const REJECTIONS: &str = "tapaculo_http_rejections_total";
pub(super) const BANS: &str = "tapaculo_bans_total";
pub(super) const RESUMES: &str = "tapaculo_resumes_total";
pub(super) const HANDLER_SECONDS: &str = "tapaculo_handler_seconds";
pub(super) const STORE_SECONDS: &str = "tapaculo_store_seconds";
pub(super) const STORE_FAILURES: &str = "tapaculo_store_failures_total";
pub(super) const LEASE_LOSSES: &str = "tapaculo_lease_losses_total";

/// Tells the recorder of the process what each of them is.
pub(super) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "WebSockets that are open.");
    describe_counter!(OPENED, Unit::Count, "WebSockets that were opened.");
    describe_counter!(
        CLOSED,
        Unit::Count,
        "WebSockets that have ended, by who said so and the close code; 1006 is none at all."
    );
    describe_gauge!(ROOMS, Unit::Count, "Rooms that this process serves.");
    describe_counter!(
        MESSAGES,
        Unit::Count,
        "Messages of clients, those included that were then refused."
    );
    describe_counter!(
        RECEIVED_BYTES,
        Unit::Bytes,
        "Bytes of the frames that clients have sent."
    );
    describe_counter!(
        SENT_FRAMES,
        Unit::Count,
        "Frames for clients: an event counts for each who gets it."
    );
    describe_counter!(
        SENT_BYTES,
        Unit::Bytes,
        "Bytes of the frames for clients, as they are in JSON."
    );
    describe_counter!(
        REFUSALS,
        Unit::Count,
        "Error frames, by their code: messages and newcomers that were refused."
    );
    describe_counter!(
        REJECTIONS,
        Unit::Count,
        "Requests for a connection or a token that were refused, by the HTTP status."
    );
    describe_counter!(BANS, Unit::Count, "Users who were banned, by whom.");
    describe_counter!(
        RESUMES,
        Unit::Count,
        "Clients that came back with a position: resumed from there, or reset as newcomers."
    );
    describe_histogram!(
        HANDLER_SECONDS,
        Unit::Seconds,
        "How long a method of a game took: of a message, a hook, a timer or a tick."
    );
    describe_histogram!(
        STORE_SECONDS,
        Unit::Seconds,
        "How long the store took to save what one input had changed."
    );
    describe_counter!(
        STORE_FAILURES,
        Unit::Count,
        "Times that the store did not save what it was given."
    );
    describe_counter!(
        LEASE_LOSSES,
        Unit::Count,
        "Times that this node has lost its lease, and so its rooms."
    );
}
