internal import Glibc

/// The distributions of NumPy's legacy `RandomState`, drawing as many words in the same order
/// (`numpy/random/src/legacy/legacy-distributions.c`, `_bounded_integers.pyx`).
extension MersenneTwister {
  /// `np.random.randint(low, high)`: masked rejection; a range of one value draws nothing.
  mutating func integer(in range: Range<Int64>) -> Int64 {
    let span = UInt64(bitPattern: range.upperBound &- 1 &- range.lowerBound)
    guard span > 0 else { return range.lowerBound }
    let mask = UInt64.max >> UInt64(span.leadingZeroBitCount)
    var value: UInt64
    repeat {
      value = (span <= UInt64(UInt32.max) ? UInt64(next32()) : next64()) & mask
    } while value > span
    return range.lowerBound &+ Int64(bitPattern: value)
  }

  /// `np.random.standard_exponential()`.
  mutating func exponential() -> Double { -log(1 - nextDouble()) }

  /// `np.random.standard_normal()`: Marsaglia's polar method, the second of a pair first.
  mutating func gaussian() -> Double {
    if let spare = spareGaussian {
      spareGaussian = nil
      return spare
    }
    var x: Double
    var y: Double
    var square: Double
    repeat {
      x = 2 * nextDouble() - 1
      y = 2 * nextDouble() - 1
      square = x * x + y * y
    } while square >= 1 || square == 0
    let factor = (-2 * log(square) / square).squareRoot()
    spareGaussian = factor * x
    return factor * y
  }

  /// `np.random.gamma(shape, scale)`.
  mutating func gamma(shape: Double, scale: Double) -> Double {
    if shape == 1 { return scale * exponential() }
    if shape == 0 { return 0 }
    return scale * (shape < 1 ? gammaBelowOne(shape) : gammaAboveOne(shape))
  }

  /// Ahrens and Dieter's rejection.
  private mutating func gammaBelowOne(_ shape: Double) -> Double {
    while true {
      let uniform = nextDouble()
      let bound = exponential()
      if uniform <= 1 - shape {
        let value = pow(uniform, 1 / shape)
        if value <= bound { return value }
      } else {
        let shifted = -log((1 - uniform) / shape)
        let value = pow(1 - shape + shape * shifted, 1 / shape)
        if value <= bound + shifted { return value }
      }
    }
  }

  /// Marsaglia and Tsang's method.
  private mutating func gammaAboveOne(_ shape: Double) -> Double {
    let base = shape - 1.0 / 3.0
    let slope = 1 / (9 * base).squareRoot()
    while true {
      var normal: Double
      var cube: Double
      repeat {
        normal = gaussian()
        cube = 1 + slope * normal
      } while cube <= 0
      cube = cube * cube * cube
      let uniform = nextDouble()
      if uniform < 1 - 0.0331 * (normal * normal) * (normal * normal) { return base * cube }
      if log(uniform) < 0.5 * normal * normal + base * (1 - cube + log(cube)) { return base * cube }
    }
  }
}
