// @ts-check
// The camera as a reader of QR codes, where the browser has one.

/** @typedef {{ detect(source: CanvasImageSource): Promise<{ rawValue: string }[]> }} Detector */

/** @returns {Promise<boolean>} */
export async function isAvailable() {
  const known = /** @type {any} */ (window).BarcodeDetector;
  if (!known || !navigator.mediaDevices) return false;
  return (await known.getSupportedFormats().catch(() => [])).includes('qr_code');
}

/**
 * Shows the camera in `video` until `take` accepts what was read, or `signal` ends it.
 * @param {HTMLVideoElement} video
 * @param {(text: string) => boolean} take
 * @param {AbortSignal} signal
 */
export async function scan(video, take, signal) {
  const Reader = /** @type {any} */ (window).BarcodeDetector;
  /** @type {Detector} */
  const detector = new Reader({ formats: ['qr_code'] });
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
  try {
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const found = await detector.detect(video).catch(() => []);
      if (!signal.aborted && found.some((code) => take(code.rawValue))) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    video.srcObject = null;
    for (const track of stream.getTracks()) track.stop();
  }
}
