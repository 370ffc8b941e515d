public import TraceModel

/// Reads measurements back from the JSON lines of an export.
public enum MeasurementLines {
  /// All measurements of a text, in its order; README.md beside this file names the keys.
  ///
  /// - `source`: what errors call the text
  public static func measurements(
    in text: some StringProtocol, source: String
  ) throws(MeasurementStoreError) -> [Measurement] {
    var measurements: [Measurement] = []
    var number = 0
    // Bytes: to look for a character costs more than to read what is found.
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for line in lines {
      number += 1
      if line.isEmpty { continue }
      func invalid(_ what: String) -> MeasurementStoreError {
        MeasurementStoreError(.invalid("line \(number): \(what)"), path: source)
      }
      let json: JSONValue
      do {
        json = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
      } catch { throw invalid(error.message) }
      guard let measurement = Measurement(json: json) else {
        throw invalid("not a measurement as 'reprise measure --export' writes it")
      }
      if let fault = measurement.sampleSets.lazy.compactMap(\.fault).first { throw invalid(fault) }
      measurements.append(measurement)
    }
    return measurements
  }
}

extension Measurement {
  /// Reads what `json` writes; `nil` where a key is missing or has another type.
  public init?(json: JSONValue) {
    guard let gpu = json["gpu"]?.string, let smCount = json["sm_count"]?.int,
      let driver = json["driver"]?.string, let image = json["kernel_image"]?.string,
      let variant = json["variant"]?.string, let batch = json["batch"]?.string,
      let cache = json["cache"]?.string.flatMap(MeasuredState.Cache.init),
      let inGraph = json["in_graph"]?.bool, case .array(let sets)? = json["sample_sets"]
    else { return nil }
    let status: MeasurementStatus
    switch json["status"]?.string {
    case "failed": status = .failed(reason: json["reason"]?.string ?? "")
    case "partial": status = .partial
    case "complete": status = .complete
    default: return nil
    }
    let sampleSets = sets.compactMap(SampleSet.init)
    guard sampleSets.count == sets.count else { return nil }
    self.init(
      key: MeasurementKey(
        machine: MeasuredMachine(gpu: gpu, smCount: smCount, driver: driver), kernelImage: image,
        variant: variant, batch: BatchKey(text: batch),
        state: MeasuredState(cache: cache, inGraph: inGraph)),
      sampleSets: sampleSets, status: status)
  }
}

extension SampleSet {
  fileprivate init?(json: JSONValue) {
    guard let date = json["date"]?.string, case .array(let values)? = json["ns"] else {
      return nil
    }
    let samples = values.compactMap { $0.int.map { Nanoseconds(Int64($0)) } }
    guard samples.count == values.count else { return nil }
    self.init(
      samples: samples, smMegahertz: json["sm_mhz"]?.int, memoryMegahertz: json["memory_mhz"]?.int,
      throttleReasons: json["throttle"]?.int.map { UInt64(bitPattern: Int64($0)) }, date: date)
  }
}
