//! What a telephone number tells by itself: kind, country, original carrier, place.
