internal import TraceModel

extension MeasurementStore {
  /// Adds a set of samples and raises the status; both are kept once this returns.
  ///
  /// A set that the store has already (same date, samples and clocks) is not kept twice. A status
  /// never sinks: what was complete stays so when more samples arrive. Without samples it records a
  /// failure, or that a key is begun.
  public func append(
    _ samples: SampleSet?, to key: MeasurementKey, status: MeasurementStatus
  ) throws(MeasurementStoreError) {
    try append(
      contentsOf: [
        Measurement(key: key, sampleSets: samples.map { [$0] } ?? [], status: status)
      ])
  }

  /// Adds many at once: all of them are kept, or none.
  public func append(contentsOf measurements: [Measurement]) throws(MeasurementStoreError) {
    for measurement in measurements { try check(measurement, from: path) }
    try connection.transaction { () throws(MeasurementStoreError) in
      for measurement in measurements { try add(measurement) }
    }
  }

  /// Adds all that another store has, as one transaction.
  ///
  /// Sample sets unite, statuses rise to the higher of both. Merging in any order, or twice, gives the
  /// same measurements. Throws `conflict` where the stores contradict each other, and then keeps
  /// nothing of the other. The error's path says which of both is at fault.
  @discardableResult
  public func merge(from other: String) throws(MeasurementStoreError) -> MergeReport {
    let source = try MeasurementStore(path: other, mode: .readOnly)
    return try connection.transaction { () throws(MeasurementStoreError) in
      let before = try counts()
      try source.forEach { (measurement) throws(MeasurementStoreError) in
        try check(measurement, from: other)
        try add(measurement)
      }
      let after = try counts()
      return MergeReport(
        measurementsAdded: after.measurements - before.measurements,
        sampleSetsAdded: after.sampleSets - before.sampleSets)
    }
  }

  private func add(_ measurement: Measurement) throws(MeasurementStoreError) {
    let key = measurement.key
    try addParts(of: key)
    try statements.addMeasurement.bind(key: key)
    try statements.addMeasurement.bind(9, measurement.status.rank)
    try statements.addMeasurement.bind(10, measurement.status.reason)
    try statements.addMeasurement.run()
    guard let (id, _) = try find(key) else { throw corrupt("a measurement was not kept") }
    for set in measurement.sampleSets { try add(set, to: id) }
  }

  private func addParts(of key: MeasurementKey) throws(MeasurementStoreError) {
    try statements.addMachine.bind(1, key.machine.gpu)
    try statements.addMachine.bind(2, Int64(key.machine.smCount))
    try statements.addMachine.bind(3, key.machine.driver)
    try statements.addMachine.run()
    try statements.addKernel.bind(1, key.kernelImage)
    try statements.addKernel.bind(2, key.variant)
    try statements.addKernel.run()
    let digest = key.batch.digest
    try statements.addBatch.bind(1, digest)
    try statements.addBatch.bind(2, key.batch.text)
    try statements.addBatch.run()
    try statements.findBatch.bind(1, digest)
    defer { statements.findBatch.reset() }
    guard try statements.findBatch.step(), statements.findBatch.text(0) == key.batch.text else {
      throw conflict(key.batch)
    }
  }

  private func add(_ set: SampleSet, to id: Int64) throws(MeasurementStoreError) {
    try statements.addSampleSet.bind(1, id)
    try statements.addSampleSet.bind(2, set.date)
    try statements.addSampleSet.bind(
      3, "[" + set.samples.map { "\($0.rawValue)" }.joined(separator: ",") + "]")
    try statements.addSampleSet.bind(4, set.smMegahertz.map(Int64.init) ?? SampleSet.unknown)
    try statements.addSampleSet.bind(5, set.memoryMegahertz.map(Int64.init) ?? SampleSet.unknown)
    try statements.addSampleSet.bind(
      6, set.throttleReasons.map(Int64.init(bitPattern:)) ?? SampleSet.unknown)
    try statements.addSampleSet.run()
  }

  /// Refuses what no measurement has, so that a reader need not doubt what a store says.
  private func check(
    _ measurement: Measurement, from path: String
  ) throws(MeasurementStoreError) {
    func invalid(_ detail: String) -> MeasurementStoreError {
      MeasurementStoreError(.invalid(detail), path: path)
    }
    let key = measurement.key
    let texts = [
      key.machine.gpu, key.machine.driver, key.kernelImage, key.variant, measurement.status.reason,
    ]
    if texts.contains(where: { $0.utf8.count > MeasurementLimits.textBytesMax }) {
      throw invalid("a name longer than \(MeasurementLimits.textBytesMax) bytes")
    }
    if texts.contains(where: { $0.utf8.contains(0) }) || key.batch.text.utf8.contains(0) {
      throw invalid("a name with a NUL in it")
    }
    if key.batch.text.utf8.count > MeasurementLimits.batchBytesMax {
      throw invalid("a batch whose text is longer than \(MeasurementLimits.batchBytesMax) bytes")
    }
    if let fault = measurement.sampleSets.lazy.compactMap(\.fault).first { throw invalid(fault) }
  }
}

/// What a merge has brought.
public struct MergeReport: Hashable, Sendable {
  /// Measurements that were not there before.
  public var measurementsAdded: Int
  /// Sample sets that were not there before.
  public var sampleSetsAdded: Int
}
