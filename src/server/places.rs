//! How many connections there are, and from where.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use crate::connection::lock;

/// The connections of each address that has any.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection's place. Dropping it leaves the place to another.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    address: IpAddr,
}

impl Places {
    /// Places for `most` connections of each address.
    pub(super) fn new(most: usize) -> Self {
        Places { taken: Arc::default(), most }
    }

    /// A place for a connection from `address`, if it has one left.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.places.taken);
        if let Entry::Occupied(mut count) = taken.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// What counts as one address: whoever has one address of IPv6 has the 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_an_ipv6_network_is_one_address() {
        let places = Places::new(2);
        let take = |address: &str| places.take(address.parse().unwrap());
        let first = take("2001:db8:1:2::1").unwrap();
        let _second = take("2001:db8:1:2:ffff::1").unwrap();
        assert!(take("2001:db8:1:2:3::1").is_none());
        assert!(take("2001:db8:1:3::1").is_some());
        let _v4 = [take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap()];
        assert!(take("192.0.2.1").is_none());
        drop(first);
        assert!(take("2001:db8:1:2:3::1").is_some());
        assert_eq!(places.taken.lock().unwrap().len(), 2, "addresses without a connection are forgotten");
    }
}
