public import TraceModel

extension MeasurementStore {
  /// What the store knows of a key; `nil` where it has nothing.
  public func measurement(
    for key: MeasurementKey
  ) throws(MeasurementStoreError) -> Measurement? {
    guard let (id, status) = try find(key) else { return nil }
    return Measurement(key: key, sampleSets: try sampleSets(of: id), status: status)
  }

  /// The keys that still want samples, each once, in the order given.
  ///
  /// A key on which the kernel failed wants none unless `retryFailed`: it would fail again, and cost
  /// the GPU's context each time.
  public func missing(
    among keys: [MeasurementKey], retryFailed: Bool = false
  ) throws(MeasurementStoreError) -> [MeasurementKey] {
    var seen: Set<MeasurementKey> = []
    var missing: [MeasurementKey] = []
    for key in keys where seen.insert(key).inserted {
      switch try find(key)?.status {
      case .complete: continue
      case .failed where !retryFailed: continue
      case .failed, .partial, nil: missing.append(key)
      }
    }
    return missing
  }

  /// Gives every measurement to `body`, sorted by key: the order does not depend on how they came in.
  public func forEach(
    _ body: (Measurement) throws(MeasurementStoreError) -> Void
  ) throws(MeasurementStoreError) {
    let rows = try connection.prepare(MeasurementSchema.everyMeasurement)
    while try rows.step() {
      guard let cache = MeasuredState.Cache(rawValue: rows.text(9)) else {
        throw corrupt("a measurement in the unknown state '\(rows.text(9))'")
      }
      let key = MeasurementKey(
        machine: MeasuredMachine(
          gpu: rows.text(3), smCount: Int(rows.integer(4)), driver: rows.text(5)),
        kernelImage: rows.text(6), variant: rows.text(7), batch: BatchKey(text: rows.text(8)),
        state: MeasuredState(cache: cache, inGraph: rows.integer(10) != 0))
      let status = try status(rows.integer(1), reason: rows.text(2))
      try body(
        Measurement(key: key, sampleSets: try sampleSets(of: rows.integer(0)), status: status))
    }
  }

  /// Gives the samples of every measurement in one state to `body`, in no particular order.
  ///
  /// Several times as quick as `forEach`, for who needs no dates and clocks.
  public func forEachTime(
    in state: MeasuredState,
    _ body: (MeasuredKernel, BatchKey, MeasurementStatus, _ samples: [Nanoseconds]) -> Void
  ) throws(MeasurementStoreError) {
    let kernels = try measuredKernels()
    let rows = try connection.prepare(MeasurementSchema.everySample)
    try rows.bind(1, state.cache.rawValue)
    try rows.bind(2, state.inGraph ? 1 : 0)
    var open: (id: Int64, kernel: MeasuredKernel, batch: BatchKey, status: MeasurementStatus)?
    var samples: [Nanoseconds] = []
    func close() {
      if let open { body(open.kernel, open.batch, open.status, samples) }
      samples.removeAll(keepingCapacity: true)
    }
    while try rows.step() {
      let id = rows.integer(0)
      if open?.id != id {
        close()
        guard let kernel = kernels[[rows.integer(3), rows.integer(4)]] else {
          throw corrupt("a measurement of a kernel that is not there")
        }
        let status = try status(rows.integer(1), reason: rows.text(2))
        open = (id, kernel, BatchKey(text: rows.text(5)), status)
      }
      if let text = rows.optionalText(6) { samples += try self.samples(text) }
    }
    close()
  }

  /// Kernels by the numbers of machine and kernel.
  private func measuredKernels() throws(MeasurementStoreError) -> [SIMD2<Int64>: MeasuredKernel] {
    var kernels: [SIMD2<Int64>: MeasuredKernel] = [:]
    let rows = try connection.prepare(MeasurementSchema.everyKernel)
    while try rows.step() {
      kernels[[rows.integer(0), rows.integer(1)]] = MeasuredKernel(
        machine: MeasuredMachine(
          gpu: rows.text(2), smCount: Int(rows.integer(3)), driver: rows.text(4)),
        image: rows.text(5), variant: rows.text(6))
    }
    return kernels
  }

  /// How many measurements and sample sets there are.
  public func counts() throws(MeasurementStoreError) -> (measurements: Int, sampleSets: Int) {
    let measurements = try connection.integer("SELECT count(*) FROM measurement")
    return (Int(measurements), Int(try connection.integer("SELECT count(*) FROM sample_set")))
  }

  /// The row of a key and its status.
  func find(
    _ key: MeasurementKey
  ) throws(MeasurementStoreError) -> (id: Int64, status: MeasurementStatus)? {
    try statements.findMeasurement.bind(key: key)
    defer { statements.findMeasurement.reset() }
    guard try statements.findMeasurement.step() else { return nil }
    guard statements.findMeasurement.text(3) == key.batch.text else { throw conflict(key.batch) }
    let status = try status(
      statements.findMeasurement.integer(1), reason: statements.findMeasurement.text(2))
    return (statements.findMeasurement.integer(0), status)
  }

  private func sampleSets(of id: Int64) throws(MeasurementStoreError) -> [SampleSet] {
    try statements.findSampleSets.bind(1, id)
    defer { statements.findSampleSets.reset() }
    var sets: [SampleSet] = []
    while try statements.findSampleSets.step() {
      let throttle = statements.findSampleSets.integer(4)
      let set = SampleSet(
        samples: try samples(statements.findSampleSets.text(1)),
        smMegahertz: known(statements.findSampleSets.integer(2)),
        memoryMegahertz: known(statements.findSampleSets.integer(3)),
        throttleReasons: throttle == SampleSet.unknown ? nil : UInt64(bitPattern: throttle),
        date: statements.findSampleSets.text(0))
      if let fault = set.fault { throw corrupt(fault) }
      sets.append(set)
    }
    return sets
  }

  private func known(_ value: Int64) -> Int? { value == SampleSet.unknown ? nil : Int(value) }

  private func samples(_ text: String) throws(MeasurementStoreError) -> [Nanoseconds] {
    guard case .array(let values)? = try? JSONValue(parsing: text) else {
      throw corrupt("samples that are no list")
    }
    var samples: [Nanoseconds] = []
    samples.reserveCapacity(values.count)
    for value in values {
      guard case .integer(let nanoseconds) = value else {
        throw corrupt("a sample that is no time")
      }
      let sample = Nanoseconds(nanoseconds)
      if let fault = SampleSet.fault(of: sample) { throw corrupt(fault) }
      samples.append(sample)
    }
    return samples
  }

  private func status(
    _ rank: Int64, reason: String
  ) throws(MeasurementStoreError) -> MeasurementStatus {
    switch rank {
    case 0: return .failed(reason: reason)
    case 1: return .partial
    case 2: return .complete
    default: throw corrupt("the unknown status \(rank)")
    }
  }

  func corrupt(_ detail: String) -> MeasurementStoreError {
    MeasurementStoreError(.corrupt(detail), path: path)
  }

  /// Two texts under one digest: one of them is not what its key says.
  func conflict(_ batch: BatchKey) -> MeasurementStoreError {
    MeasurementStoreError(
      .conflict("another batch under the key of '\(batch.text.prefix(120))'"), path: path)
  }
}

extension SampleSet {
  /// What columns of clocks hold where nobody told them; a key may not be null.
  static let unknown: Int64 = -1
}

extension SQLiteStatement {
  /// Binds a key to the places 1 to 8.
  func bind(key: MeasurementKey) throws(MeasurementStoreError) {
    try bind(1, key.batch.digest)
    try bind(2, key.kernelImage)
    try bind(3, key.variant)
    try bind(4, key.machine.gpu)
    try bind(5, Int64(key.machine.smCount))
    try bind(6, key.machine.driver)
    try bind(7, key.state.cache.rawValue)
    try bind(8, key.state.inGraph ? 1 : 0)
  }
}
