//! What keys and channels are called in Redis: `docs/redis.md` lists them.

use crate::store::{NodeId, RoomKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The channel that all nodes hear.
pub(super) const NODES: &str = "tapaculo:nodes";

/// How the keys of what is known of users begin: all in one slot. No room's record is called so.
pub(super) const USERS: &str = "tapaculo:{users}";

/// How the keys of what users have sent lately begin.
pub(super) const SENT: &str = "tapaculo:{users}:sent";

/// How the keys begin of who has come.
pub(super) const CAME: &str = "tapaculo:{users}:came";

/// How a node's inbox begins, before the node's name.
pub(super) const INBOX_BEGINS: &str = "tapaculo:node:";
/// How it ends, after the name.
pub(super) const INBOX_ENDS: &str = ":inbox";

/// Of a name all is encoded that could end it in a key: `{`, `}`, `/`, `:`, `%` and what patterns are
/// made of.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The hash that is a room's record. All of a room is in one slot of a Redis Cluster, by the part in
/// braces.
pub(super) fn record(room: &RoomKey) -> String {
    format!(
        "tapaculo:{{{}/{}}}",
        utf8_percent_encode(&room.game, ENCODED),
        utf8_percent_encode(room.room.as_str(), ENCODED)
    )
}

/// The channel on which a room's nodes hear what it says.
pub(super) fn channel(room: &RoomKey) -> String {
    format!("{}:said", record(room))
}

/// The key whose lifetime is a node's lease.
pub(super) fn lease(node: &NodeId) -> String {
    format!("tapaculo:node:{node}")
}

/// The hash of which token of a login is the newest.
pub(super) fn family(mark: &str) -> String {
    format!("tapaculo:family:{mark}")
}

/// The channel of what is for one node alone.
pub(super) fn inbox(node: &NodeId) -> String {
    format!("{INBOX_BEGINS}{node}{INBOX_ENDS}")
}

/// The channel on which a node hears its own renewals, by which it knows that it still hears.
pub(super) fn beat(node: &NodeId) -> String {
    format!("tapaculo:node:{node}:beat")
}

/// The field in which a cell is: fields that begin with one `@` are the record's own.
pub(super) fn field(cell: &str) -> String {
    if cell.starts_with('@') {
        format!("@{cell}")
    } else {
        cell.to_owned()
    }
}

/// The cell that is in a field; `None` for the record's own.
pub(super) fn cell(field: &str) -> Option<&str> {
    match field.strip_prefix('@') {
        None => Some(field),
        Some(cell) if cell.starts_with('@') => Some(cell),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RoomId;

    fn key(game: &str, room: &str) -> RoomKey {
        RoomKey {
            game: game.into(),
            room: RoomId::new(room).unwrap(),
        }
    }

    #[test]
    fn a_name_can_not_leave_its_place_in_a_key() {
        assert_eq!(
            record(&key("chess", "a}b{c/d:e*[?]%\\ \u{e9}")),
            "tapaculo:{chess/a%7Db%7Bc%2Fd%3Ae%2A%5B%3F%5D%25%5C%20%C3%A9}"
        );
        assert_eq!(
            channel(&key("chess", "one_room-2.~")),
            "tapaculo:{chess/one_room-2.~}:said"
        );
    }

    #[test]
    fn a_cell_is_never_one_of_the_records_own_fields() {
        for name in ["state", "@owner", "@@owner", "@", ""] {
            let field = field(name);
            assert_eq!(cell(&field), Some(name));
        }
        assert_eq!(cell("@owner"), None);
    }
}
