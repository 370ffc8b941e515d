import TraceModel
import Testing

@testable import Reports

@Suite("Numbers in reports")
struct ReportNumberTests {
  @Test("whole numbers are grouped by thousands")
  func grouped() {
    #expect(NumberText.grouped(0) == "0")
    #expect(NumberText.grouped(999) == "999")
    #expect(NumberText.grouped(1000) == "1,000")
    #expect(NumberText.grouped(-1_234_567) == "-1,234,567")
  }

  @Test(
    "decimals round half away from zero and keep their places",
    arguments: [
      (0.0, 2, "0.00"), (1.005, 1, "1.0"), (2.5, 0, "3"), (-2.5, 0, "-3"), (0.049, 1, "0.0"),
      (-0.04, 1, "0.0"), (1234.5, 2, "1,234.50"), (9.9999, 3, "10.000"), (.infinity, 2, "-"),
    ])
  func fixed(value: Double, places: Int, text: String) {
    #expect(NumberText.fixed(value, places: places) == text)
  }

  @Test("a difference shows its sign, and none where it rounds to zero")
  func signed() {
    #expect(NumberText.signed(0.5, places: 1) == "+0.5")
    #expect(NumberText.signed(-0.5, places: 1) == "-0.5")
    #expect(NumberText.signed(0.01, places: 1) == "0.0")
    #expect(NumberText.signedPercent(-0.273) == "-27.3 %")
  }

  @Test(
    "seconds are written exactly, without zeros at the end",
    arguments: [
      (0, "0.0"), (1, "0.000000001"), (1_500_000_000, "1.5"), (-20, "-0.00000002"),
      (14_923_417, "0.014923417"), (Int64.max, "9223372036.854775807"),
    ] as [(Int64, String)])
  func seconds(value: Int64, text: String) {
    #expect(SecondsText.text(Nanoseconds(value)) == text)
  }

  @Test("columns line up, numbers to the right, and no line ends in spaces")
  func table() {
    var table = TextTable([("policy", .left), ("ms", .right), ("words", .left)])
    table.add(["a", "1.25", "x"])
    table.addBreak()
    table.add(["longer name", "10.5"])
    #expect(
      table.text() == """
        policy         ms  words
        a            1.25  x

        longer name  10.5

        """)
  }

  @Test("prose breaks at spaces and long words stand alone")
  func wrapping() {
    #expect(TextLines.wrapped("aa bb cc", width: 5) == ["aa bb", "cc"])
    #expect(TextLines.wrapped("aaaaaaaa b", width: 5) == ["aaaaaaaa", "b"])
    #expect(TextLines.wrapped("", width: 5).isEmpty)
  }
}
