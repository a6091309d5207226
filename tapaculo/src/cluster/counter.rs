//! What other nodes ask of the rooms that are here.

use super::{
    Cluster,
    letters::{OUTSIDE, Reply, Request, raw},
};
use crate::{
    game::{Options, Post},
    ids::UserId,
    room::{Departure, Door, Ear, Far, Found, Unfit, Visitor},
    store::{NodeId, RoomKey},
};
use std::sync::Arc;

impl Cluster {
    /// Does what another node asks of a room.
    pub(super) async fn handle(&self, from: &NodeId, key: RoomKey, request: Request) -> Reply {
        let Some(host) = self.host() else {
            return Reply::NotHere;
        };
        let Some(game) = host.game(&key.game) else {
            return Reply::NoRoom(format!(
                "the node that has the room serves no `{}`",
                key.game
            ));
        };
        // The room has come to this node meanwhile: its own members are no other node's.
        if *from == self.nodes().me() && request.is_of_members() {
            return Reply::NotHere;
        }
        let far = |connection| Far {
            node: from.clone(),
            connection,
        };
        if let Request::Join {
            connection,
            newcomer,
            options,
        } = request
        {
            let before = match host.find(game, &key.room).await {
                Ok(door) if door.replica().is_some() => return Reply::NotHere,
                Ok(door) => door.standing(),
                Err(no_room) => return Reply::no_room(&no_room),
            };
            let visitor = Visitor {
                ear: Ear::There(host.next_connection(), far(connection)),
                newcomer: newcomer.into(),
                options: Options::new(options.and_then(raw)),
            };
            let door = match host.admit(game, &key.room, visitor).await {
                Ok(door) => door,
                Err(no_room) => return Reply::no_room(&no_room),
            };
            self.after_goodbyes(&door, std::iter::once(far(connection)))
                .await;
            return match door.standing() {
                Some(standing) => {
                    let before = before.filter(|before| before.term == standing.term);
                    let published = before.map_or(0, |before| before.published);
                    Reply::Joined(published, standing)
                }
                None => Reply::NotHere,
            };
        }
        let door = match request {
            // What was here is to go on here, if it is this node's.
            Request::Attach(_) => match host.find(game, &key.room).await {
                Ok(door) => Some(door),
                Err(no_room) => return Reply::no_room(&no_room),
            },
            _ => host.door(&key.game, &key.room),
        };
        let Some(door) = door.filter(|door| door.replica().is_none()) else {
            return Reply::NotHere;
        };
        match request {
            Request::Join { .. } => Reply::NotHere,
            Request::Message {
                connection,
                ticket,
                data,
            } => {
                let Some(connection) = Arc::clone(&door).known(far(connection)).await else {
                    return match door.standing() {
                        Some(standing) => Reply::Stranger(standing),
                        None => Reply::NotHere,
                    };
                };
                let data = data.map(raw);
                let data = match &data {
                    Ok(Some(data)) => Ok(&**data),
                    Ok(None) => return Reply::NotHere,
                    Err((code, words)) => Err(Unfit {
                        code: *code,
                        words: words.clone(),
                    }),
                };
                Arc::clone(&door).message(connection, ticket, data).await;
                done(&*door)
            }
            Request::Leave(connection, for_good) => {
                let departure = match for_good {
                    true => Departure::GaveUp,
                    false => Departure::Dropped,
                };
                self.left().put(far(connection), departure);
                self.after_goodbyes(&door, std::iter::once(far(connection)))
                    .await;
                done(&*door)
            }
            Request::Attach(members) => {
                let all: Vec<Far> = members
                    .iter()
                    .map(|member| far(member.connection))
                    .collect();
                let found = members.into_iter().map(|member| {
                    let connection = host.next_found();
                    let ear = Ear::There(connection, far(member.connection));
                    let found = Found {
                        user: member.user,
                        session: member.session,
                        came: member.came,
                        connection,
                    };
                    (ear, found)
                });
                let standing = Arc::clone(&door).found(found.collect()).await;
                self.after_goodbyes(&door, all.into_iter()).await;
                match standing {
                    Some(standing) => Reply::Attached(standing),
                    None => Reply::NotHere,
                }
            }
            Request::Replay(after) => {
                let replayed = door.replay(after).await;
                Reply::Replayed(replayed.map(|all| all.iter().map(|one| one.to_vec()).collect()))
            }
            Request::Standing => done(&*door),
            Request::Say(audience, json) => match raw(json) {
                Some(data) => post(door, Post::Say(OUTSIDE, audience, data)).await,
                None => Reply::NotHere,
            },
            Request::Kick(user, words) => post(door, Post::Kick(user, words)).await,
            Request::Close(words) => post(door, Post::Close(words)).await,
            Request::Members => match door.census().await {
                Some(census) => {
                    let members = census.members.iter();
                    let users: Vec<UserId> =
                        members.map(|(member, _)| member.user().clone()).collect();
                    Reply::Members(users)
                }
                None => Reply::NotHere,
            },
        }
    }

    /// Takes those out who have left, maybe before it was heard that they had come.
    async fn after_goodbyes(&self, door: &Arc<dyn Door>, all: impl Iterator<Item = Far> + Send) {
        for far in all {
            let departure = self.left().get(&far).copied();
            if let Some(departure) = departure
                && let Some(connection) = Arc::clone(door).known(far).await
            {
                Arc::clone(door).leave(connection, departure).await;
            }
        }
    }
}

/// That it is done, unless the room has ended: then it may not have come to it.
fn done(door: &dyn Door) -> Reply {
    match door.standing() {
        Some(standing) => Reply::Done(Some(standing)),
        None => Reply::NotHere,
    }
}

async fn post(door: Arc<dyn Door>, post: Post) -> Reply {
    match door.post(post).await {
        Some(()) => Reply::Done(None),
        None => Reply::NotHere,
    }
}
