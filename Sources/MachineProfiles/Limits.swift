/// Bounds of the numbers in profiles and kernel logs, so that what is computed from them is a time.
enum MachineProfileLimits {
  /// Parameters of kernels, which models divide by.
  static let parameters = 1e-30...1e6
  /// Microseconds of a call beyond its kernel's, on one row.
  static let extras = 0...1e6
  /// The same more for each doubling of the rows; it may fall.
  static let extrasPerDoubling = -1e6...1e6
  /// Microseconds of a step beside attention.
  static let rests = 0...1e9
  /// Microseconds of what the host does.
  static let delays = 0...1e8
  /// Microseconds by which one delay differs from another.
  static let offsets = -1e8...1e8
  /// What one step or process takes over another.
  static let factors = 1e-3...1e3
  /// Offsets or factors of one spread.
  static let spreadValuesMax = 1024
  /// What the power limit's parts take of it, as fractions; as wide as no fit goes.
  static let powerShares = 0...10.0
  /// Microseconds of its credit.
  static let credits = 0...1e9
  /// Microseconds in which that comes back.
  static let creditTimes = 1...1e12
  /// Errors of a fit, as fractions.
  static let errors = 0...1e9
  /// CTAs that an SM holds at once, at most.
  static let placedCTAsPerSMMax = 32
  /// CTAs of a launch that a GPU holds whole.
  static let placedCTAsMax = 65_536
  /// Such launches that a profile has.
  static let placedLaunchesMax = 1024
  /// Parts of an output layer that have a kernel each.
  static let outputLayerPartsMax = 4096
  /// Counts, such as those of a model's shape.
  static let counts = 1...Int(Int32.max)
  /// Rows of a batch that a line of a log may state.
  static let rowsMax = 65_536
}
