//! From a synthesiser's rate to a telephone's.

/// On each side of a sample so many of its neighbours count, at the lower of the two rates.
const REACH: f64 = 16.0;
/// What passes, as a part of half the lower rate: above it, a telephone carries nothing.
const PASS: f64 = 0.92;

/// The same sound at another rate, by a windowed sinc (Hann): what is too high for the new rate is taken out, not folded back.
pub(crate) fn resample(sound: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to || sound.is_empty() || from == 0 || to == 0 {
        return sound.to_vec();
    }
    let step = f64::from(from) / f64::from(to);
    let cut = PASS * (1.0 / step).min(1.0);
    let reach = REACH * step.max(1.0);
    let count = (sound.len() as u64 * u64::from(to)).div_ceil(u64::from(from));
    (0..count)
        .map(|n| {
            #[expect(clippy::cast_precision_loss, reason = "a sound has fewer than 2^52 samples")]
            let centre = n as f64 * step;
            weighed(sound, centre, reach, cut)
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places within a sound, and a value that is clamped to 16 bits"
)]
fn weighed(sound: &[i16], centre: f64, reach: f64, cut: f64) -> i16 {
    let first = (centre - reach).ceil().max(0.0) as usize;
    let last = ((centre + reach).floor() as usize).min(sound.len().saturating_sub(1));
    let mut sum = 0.0;
    let mut weights = 0.0;
    for (at, sample) in sound.iter().enumerate().take(last + 1).skip(first) {
        let distance = at as f64 - centre;
        let window = 0.5 + 0.5 * (std::f64::consts::PI * distance / reach).cos();
        let x = std::f64::consts::PI * distance * cut;
        let weight = window * if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        sum += weight * f64::from(*sample);
        weights += weight;
    }
    if weights.abs() < 1e-9 {
        return 0;
    }
    (sum / weights).round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32, count: u32) -> Vec<i16> {
        (0..count)
            .map(|n| (10_000.0 * (std::f64::consts::TAU * hertz * f64::from(n) / f64::from(rate)).sin()) as i16)
            .collect()
    }

    fn loudness(sound: &[i16]) -> f64 {
        (sound.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / sound.len() as f64).sqrt()
    }

    #[test]
    fn a_voice_passes_and_a_whistle_is_not_folded_back() {
        let low = resample(&tone(1_000.0, 22_050, 22_050), 22_050, 8_000);
        assert_eq!(low.len(), 8_000);
        assert!((loudness(&low) - 7_071.0).abs() < 150.0, "{}", loudness(&low));
        let high = resample(&tone(6_000.0, 22_050, 22_050), 22_050, 8_000);
        assert!(loudness(&high) < 100.0, "{}", loudness(&high));
    }

    #[test]
    fn up_and_down_is_nearly_the_same() {
        let sound = tone(700.0, 8_000, 4_000);
        let back = resample(&resample(&sound, 8_000, 16_000), 16_000, 8_000);
        let apart: Vec<i16> = sound.iter().zip(&back).skip(50).take(3_900).map(|(a, b)| a - b).collect();
        assert!(loudness(&apart) < 100.0, "{}", loudness(&apart));
    }

    #[test]
    fn lengths() {
        assert!(resample(&[], 22_050, 8_000).is_empty());
        assert_eq!(resample(&[1, 2, 3], 8_000, 8_000), [1, 2, 3]);
        assert_eq!(resample(&[0; 22_051], 22_050, 8_000).len(), 8_001);
    }
}
