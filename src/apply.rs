//! Runs plans on a live database: what comes next is decided without it, doing it is thin. Must never write to the
//! database without holding the lease.
