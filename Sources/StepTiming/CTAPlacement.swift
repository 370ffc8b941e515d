/// Which streaming multiprocessor (SM) each CTA of a launch goes to, for launches that a GPU holds whole.
///
/// The hardware deals a launch's CTAs to SMs before the first has ended. How, depends on their number
/// alone: behind a matrix product the same CTAs came to share an SM on three H200s, whatever the shape of
/// the grid (`Sources/GPUMeasurement/cta_placement.py`). A kernel whose CTAs are uneven takes as long as
/// those that share an SM with a long one.
public struct CTAPlacement: Hashable, Sendable {
  /// The SMs of a GPU.
  public let smCount: Int
  /// Measured launches with more CTAs than there are SMs, fewest CTAs first: the SM of each CTA.
  ///
  /// Launches between them are taken to be dealt as the next larger one, for want of better: of the pairs of
  /// CTAs that share an SM in a measured launch, a quarter do not in the next larger one (none to nine
  /// tenths, by launch).
  public let launches: [[Int16]]

  /// CTAs of Triton's attention kernels that an SM holds at once.
  static let heldPerSM = 5

  /// What was measured of a GPU; SMs are from 0 to below `smCount`.
  public init(smCount: Int, launches: [[Int16]]) {
    self.smCount = smCount
    self.launches = launches.sorted { $0.count < $1.count }
  }

  /// A GPU of which nothing was measured: CTAs go to SMs in turn.
  public static func inTurn(smCount: Int) -> CTAPlacement {
    // With more SMs than a number of one can name, launches are taken to be spread evenly.
    guard (1...Int(Int16.max)).contains(smCount) else {
      return CTAPlacement(smCount: smCount, launches: [])
    }
    return CTAPlacement(
      smCount: smCount,
      launches: [(0..<heldPerSM * smCount).map { Int16($0 % smCount) }])
  }

  /// The SM of each CTA of a launch, and perhaps of more; `nil` of one larger than any of `launches`.
  func sms(ctas: Int) -> [Int16]? { launches.first { $0.count >= ctas } }
}
