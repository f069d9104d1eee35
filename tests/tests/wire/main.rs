//! What a client sees of an audited service and what its trail holds, byte by byte: testbeds as
//! processes of their own, a client on a plain socket.

mod crash;
mod endings;
mod hostile;
mod http2;
mod live;
mod load;
mod masked;
mod pair;
mod parity;
mod policies;
mod scenarios;
mod strict;
