// The clock of liveshop/demo/clock.py in a browser: draws it on a canvas, reads it from a picture.
// A classic script, since the bench puts it into pages that it did not write.

globalThis.pictureClock = (() => {
  const COLUMNS = 26;
  const HEIGHTS = 40;
  const TIME = 2n ** 40n;
  const INK = "#191919";
  const PAPER = "#f3f3f3";
  const LEAST_CONTRAST = 70;
  // Pixels of a cell in the small picture that is read.
  const CELL = 8;

  function crc(time) {
    let sum = 0n;
    for (let shift = 32n; shift >= 0n; shift -= 8n) {
      sum ^= (time >> shift) & 0xffn;
      for (let bit = 0; bit < 8; bit += 1) {
        sum = ((sum << 1n) ^ (sum & 0x80n ? 0x07n : 0n)) & 0xffn;
      }
    }
    return sum;
  }

  /** Both rows of cells for an instant in Unix milliseconds; true is white. */
  function cells(ms) {
    const time = BigInt(Math.floor(ms)) % TIME;
    const word = (time << 8n) | crc(time);
    const bits = [...word.toString(2).padStart(48, "0")].map((bit) => bit === "1");
    return [
      [true, ...bits.slice(0, 24), false],
      [false, ...bits.slice(24), true],
    ];
  }

  function stripHeight(height) {
    return Math.floor(height / HEIGHTS) & ~1;
  }

  /** Draw the strip along the lower edge of a canvas. */
  function draw(context, width, height, ms) {
    const edge = stripHeight(height);
    cells(ms).forEach((row, y) => {
      row.forEach((isWhite, x) => {
        const left = Math.round((x * width) / COLUMNS);
        const right = Math.round(((x + 1) * width) / COLUMNS);
        context.fillStyle = isWhite ? PAPER : INK;
        context.fillRect(left, height - edge + (y * edge) / 2, right - left, edge / 2);
      });
    });
  }

  /** The lightness of all cells, from the RGBA pixels of a strip of COLUMNS × 2 cells. */
  function lightness(pixels) {
    const rows = [[], []];
    for (let y = 0; y < 2; y += 1) {
      for (let x = 0; x < COLUMNS; x += 1) {
        let sum = 0;
        let count = 0;
        for (let dy = 2; dy < CELL - 2; dy += 1) {
          for (let dx = 2; dx < CELL - 2; dx += 1) {
            sum += pixels[4 * ((y * CELL + dy) * COLUMNS * CELL + x * CELL + dx) + 1];
            count += 1;
          }
        }
        rows[y].push(sum / count);
      }
    }
    return rows;
  }

  /** Unix milliseconds from the cells' lightness; null when they hold no clock. */
  function decode(rows, near) {
    const last = COLUMNS - 1;
    const light = (rows[0][0] + rows[1][last]) / 2;
    const dark = (rows[1][0] + rows[0][last]) / 2;
    if (light - dark < LEAST_CONTRAST) return null;
    const middle = (light + dark) / 2;
    const bits = rows.map((row) => row.slice(1, last).map((one) => (one > middle ? "1" : "0")));
    const word = BigInt(`0b${bits.flat().join("")}`);
    const time = word >> 8n;
    if (crc(time) !== (word & 0xffn)) return null;
    const span = Number(TIME);
    return Number(time) + Math.round((near - Number(time)) / span) * span;
  }

  let small = null;

  /** Unix milliseconds in the picture that a video shows just now; null when it can't be read. */
  function read(video) {
    const width = video.videoWidth;
    const height = video.videoHeight;
    if (!width || !height) return null;
    if (small === null) {
      const canvas = document.createElement("canvas");
      canvas.width = COLUMNS * CELL;
      canvas.height = 2 * CELL;
      small = canvas.getContext("2d", { willReadFrequently: true });
    }
    const edge = stripHeight(height);
    const to = [0, 0, COLUMNS * CELL, 2 * CELL];
    small.drawImage(video, 0, height - edge, width, edge, ...to);
    return decode(lightness(small.getImageData(...to).data), Date.now());
  }

  return { cells, decode, draw, read };
})();
