//! What can go wrong between us and a broker, graded by what to do about it. No variant carries a
//! secret or a request body.

/// How the caller should take an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Reading again later may work.
    Retry,
    /// The trader has to know; nothing is broken here.
    Tell,
    /// Stop asking until something changes (credentials, permissions).
    Stop,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BrokerError {
    #[error("{host} cannot be reached: {why}")]
    Unreachable { host: String, why: String },
    #[error("{host} did not answer in {seconds} s")]
    TimedOut { host: String, seconds: u64 },
    #[error("the broker refused the credentials ({status}): {message}")]
    Unauthorised { status: u16, message: String },
    #[error("not permitted: {message}")]
    Forbidden { message: String },
    #[error("not found: {what}")]
    NotFound { what: String },
    #[error("too many requests")]
    RateLimited { retry_after_seconds: Option<u64> },
    #[error("the broker answered {status}: {message}")]
    Server { status: u16, message: String },
    #[error("request refused ({status}): {message}")]
    Rejected { status: u16, message: String },
    #[error("an answer of {endpoint} could not be read: {why}")]
    Unreadable { endpoint: String, why: String },
    #[error("an answer of {endpoint} is larger than {limit_mib} MiB")]
    TooLarge { endpoint: String, limit_mib: usize },
    #[error("{host} is not a host that credentials may be sent to")]
    HostNotAllowed { host: String },
    #[error("{broker} offers no {what}")]
    NotOffered { broker: &'static str, what: &'static str },
    #[error("{what}: not read from {broker}")]
    NotRead { broker: &'static str, what: &'static str },
    #[error("the address of {what} cannot be used: {why}")]
    BadAddress { what: &'static str, why: String },
}

impl BrokerError {
    pub fn grade(&self) -> Grade {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { .. }
            | Self::Server { .. } => Grade::Retry,
            Self::NotFound { .. }
            | Self::Rejected { .. }
            | Self::Unreadable { .. }
            | Self::TooLarge { .. }
            | Self::NotOffered { .. }
            | Self::NotRead { .. } => Grade::Tell,
            Self::Unauthorised { .. }
            | Self::Forbidden { .. }
            | Self::HostNotAllowed { .. }
            | Self::BadAddress { .. } => Grade::Stop,
        }
    }

    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => {
                "check the network and try again (`r` in the cockpit)"
            }
            Self::Unauthorised { .. } => "run `cotrader init` and enter the credentials again",
            Self::Forbidden { .. } => "check at the broker what the token may do",
            Self::RateLimited { .. } => "wait; reads are paced by themselves",
            Self::Server { .. } => "the broker has a problem; it is retried",
            Self::NotFound { .. } | Self::Rejected { .. } => "run `cotrader doctor`",
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                "the broker's format may have changed; see the log file"
            }
            Self::NotOffered { .. } => "what depends on it stays unknown; nothing is wrong",
            Self::NotRead { .. } => "the broker's own platform shows it",
            Self::HostNotAllowed { .. } => "use the broker's own host or a loopback address",
            Self::BadAddress { .. } => {
                "check the addresses under `broker` in cotrader.yaml, or their variables in the environment"
            }
        }
    }
}
