internal import TraceModel

extension SampleSet {
  /// What no measurement has, in words; `nil` where nothing is wrong.
  ///
  /// Held against whatever is read, from a store or an export, and whatever is written.
  var fault: String? {
    guard !samples.isEmpty, samples.count <= MeasurementLimits.samplesMax else {
      return "a set of \(samples.count) samples"
    }
    guard Self.isDate(date) else { return "the date '\(date)', not like 2026-11-21T10:25:00Z" }
    return samples.lazy.compactMap(Self.fault).first
  }

  /// What is wrong with one sample.
  static func fault(of sample: Nanoseconds) -> String? {
    if sample < .zero { return "a negative time" }
    return sample <= MeasurementLimits.sampleMax
      ? nil : "a time of more than \(Int(MeasurementLimits.sampleMax.seconds)) s"
  }

  /// Whether a text has the one form of date that sorts by time.
  private static func isDate(_ text: String) -> Bool {
    let form = "dddd-dd-ddTdd:dd:ddZ".utf8
    return text.utf8.count == form.count
      && zip(text.utf8, form).allSatisfy { byte, wanted in
        wanted == UInt8(ascii: "d") ? (0x30...0x39).contains(byte) : byte == wanted
      }
  }
}
