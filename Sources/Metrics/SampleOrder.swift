/// Sorts samples by value in linear time.
///
/// Least significant digit first, 11 bits a pass; digits in which all values agree are skipped, so gaps
/// below a minute take four passes. For 250,000 pairs a whole summary takes 11 ms; comparing took 18 ms
/// for the sort alone.
enum SampleOrder {
  typealias Sample = WeightedSamples.Sample

  /// Below this, counting digits costs more than comparing.
  private static let comparisonCountMax = 512
  private static let digitBits = 11
  private static let digits = 1 << digitBits

  /// The samples, smallest value first, those of equal value made one.
  static func ascending(_ samples: [Sample]) -> [Sample] {
    guard samples.count > comparisonCountMax else {
      return merged(samples.sorted { $0.value < $1.value })
    }
    var source = samples
    var target = [Sample](repeating: Sample(value: 0, count: 0), count: samples.count)
    let first = key(samples[0])
    var varying: UInt64 = 0
    for sample in samples { varying |= key(sample) ^ first }
    for shift in stride(from: 0, to: UInt64.bitWidth, by: digitBits)
    where (varying >> UInt64(shift)) & UInt64(digits - 1) != 0 {
      scatter(source, into: &target, by: UInt64(shift))
      swap(&source, &target)
    }
    return merged(source)
  }

  /// The value as an unsigned number in the same order.
  @inline(__always)
  private static func key(_ sample: Sample) -> UInt64 {
    UInt64(bitPattern: sample.value) ^ (1 << 63)
  }

  /// One stable pass by the digit that starts at bit `shift`.
  private static func scatter(_ source: [Sample], into target: inout [Sample], by shift: UInt64) {
    let mask = UInt64(digits - 1)
    var places = [Int](repeating: 0, count: digits)
    for sample in source { places[Int((key(sample) >> shift) & mask)] += 1 }
    var start = 0
    for digit in places.indices { (places[digit], start) = (start, start + places[digit]) }
    for sample in source {
      let digit = Int((key(sample) >> shift) & mask)
      target[places[digit]] = sample
      places[digit] += 1
    }
  }

  private static func merged(_ sorted: [Sample]) -> [Sample] {
    var merged: [Sample] = []
    merged.reserveCapacity(sorted.count)
    for sample in sorted {
      if let last = merged.indices.last, merged[last].value == sample.value {
        merged[last].count += sample.count
      } else {
        merged.append(sample)
      }
    }
    return merged
  }
}
