#![doc = include_str!("../docs/guide/index.md")]

// The documentation is inside of each module, so that its links are read from there.

pub mod first_game {
    #![doc = include_str!("../docs/guide/first_game.md")]
}

pub mod messages {
    #![doc = include_str!("../docs/guide/messages.md")]
}

pub mod validation {
    #![doc = include_str!("../docs/guide/validation.md")]
}

pub mod rooms {
    #![doc = include_str!("../docs/guide/rooms.md")]
}

pub mod reconnection {
    #![doc = include_str!("../docs/guide/reconnection.md")]
}

pub mod hidden_information {
    #![doc = include_str!("../docs/guide/hidden_information.md")]
}

pub mod time {
    #![doc = include_str!("../docs/guide/time.md")]
}

pub mod persistence {
    #![doc = include_str!("../docs/guide/persistence.md")]
}

pub mod testing {
    #![doc = include_str!("../docs/guide/testing.md")]
}

pub mod auth {
    #![doc = include_str!("../docs/guide/auth.md")]
}

pub mod limits {
    #![doc = include_str!("../docs/guide/limits.md")]
}

pub mod closures {
    #![doc = include_str!("../docs/guide/closures.md")]
}

pub mod deployment {
    #![doc = include_str!("../docs/guide/deployment.md")]
}

pub mod redis {
    #![doc = include_str!("../docs/redis.md")]
    //!
    //! Next: [the protocol](super::protocol).
}

pub mod protocol {
    #![doc = include_str!("../docs/protocol.md")]
    //!
    //! Next: [security](super::security).
}

pub mod security {
    #![doc = include_str!("../docs/security.md")]
    //!
    //! Next: the [questions](super::faq).
}

pub mod faq {
    #![doc = include_str!("../docs/guide/faq.md")]
}
