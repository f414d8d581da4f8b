/**
 * Random numbers that a seed repeats: sfc32 (Chris Doty-Humphrey's "small fast counting" generator, 128 bits of state),
 * seeded through splitmix32. Each purpose has a stream of its own, so that every policy meets the very same arrivals.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: number) {
    let mixed = (seed ^ Math.imul(stream, 0x9e3779b9)) | 0;
    const splitmix = (): number => {
      mixed = (mixed + 0x9e3779b9) | 0;
      let z = mixed ^ (mixed >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    [this.#a, this.#b, this.#c] = [splitmix(), splitmix(), splitmix()];
    // The first outputs of neighbouring seeds resemble each other.
    for (let round = 0; round < 12; round++) this.next();
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  normal(): number {
    return Math.sqrt(this.exponential(2)) * Math.cos(2 * Math.PI * this.next());
  }

  /** Log-normal with the given mean; `sigma` is the standard deviation of its logarithm, 0 makes it constant. */
  logNormal(mean: number, sigma: number): number {
    return sigma === 0 ? mean : mean * Math.exp(sigma * this.normal() - (sigma * sigma) / 2);
  }
}
