public import TraceModel

extension MeasurementStore {
  /// Gives one JSON object per measurement, sorted by key, each without its line's end.
  ///
  /// Stores with the same measurements give the same bytes.
  public func exportJSONLines(
    _ body: (String) throws(MeasurementStoreError) -> Void
  ) throws(MeasurementStoreError) {
    try forEach { (measurement) throws(MeasurementStoreError) in
      try body(measurement.json.text())
    }
  }
}

extension Measurement {
  /// The measurement as an export writes it; README.md beside this file names the keys.
  public var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("gpu", .string(key.machine.gpu)),
      .init("sm_count", .integer(Int64(key.machine.smCount))),
      .init("driver", .string(key.machine.driver)),
      .init("kernel_image", .string(key.kernelImage)),
      .init("variant", .string(key.variant)),
      .init("batch", .string(key.batch.text)),
      .init("cache", .string(key.state.cache.rawValue)),
      .init("in_graph", .bool(key.state.inGraph)),
      .init("status", .string(status.name)),
    ]
    if case .failed(let reason) = status { members.append(.init("reason", .string(reason))) }
    members.append(.init("sample_sets", .array(sampleSets.map(\.json))))
    return .object(members)
  }
}

extension SampleSet {
  var json: JSONValue {
    var members: [JSONValue.Member] = [.init("date", .string(date))]
    if let smMegahertz { members.append(.init("sm_mhz", .integer(Int64(smMegahertz)))) }
    if let memoryMegahertz { members.append(.init("memory_mhz", .integer(Int64(memoryMegahertz)))) }
    if let throttleReasons {
      members.append(.init("throttle", .integer(Int64(bitPattern: throttleReasons))))
    }
    members.append(.init("ns", .array(samples.map { .integer($0.rawValue) })))
    return .object(members)
  }
}
