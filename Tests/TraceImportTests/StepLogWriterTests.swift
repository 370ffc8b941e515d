import Testing
import TraceImport
import TraceModel

struct StepLogWriterTests {
  @Test("A canonical log comes back byte for byte")
  func roundTrip() throws {
    #expect(try StepLogContents(StepLogs.canonical).text == StepLogs.canonical)
  }

  /// The right column is what Python 3 prints for `nanoseconds / 1e9`.
  @Test(
    "Times are printed as Python prints the float",
    arguments: [
      (0, "0.0"), (1_000_000_000, "1.0"), (1_500_000_000, "1.5"), (100_000, "0.0001"),
      (99_000, "9.9e-05"), (50_000, "5e-05"), (12_345, "1.2345e-05"), (1_000, "1e-06"),
      (1, "1e-09"), (10, "1e-08"), (72_335_000, "0.072335"), (180_159_932_000, "180.159932"),
      (123_456_789_000_000_001, "123456789.000000001"), (-1_500_000_000, "-1.5"),
    ])
  func decimals(nanoseconds: Int64, expected: String) {
    var bytes: [UInt8] = []
    let writer = StepLogWriter()
    let time = Nanoseconds(nanoseconds)
    writer.append(TraceStep(number: 3, scheduleStart: time, scheduleEnd: time), to: &bytes)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"kind":"step","step":3,"schedule_start":\#(expected),"schedule_end":\#(expected),"#
        + "\"batch\":[]}\n")
  }
}
