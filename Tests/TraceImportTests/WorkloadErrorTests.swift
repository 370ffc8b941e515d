import Testing
import TraceImport

struct WorkloadErrorTests {
  private func error(_ text: String, _ format: WorkloadFormat) throws -> TraceImportError {
    try #require(throws: TraceImportError.self) { try Workloads.read(text, format) }
  }

  @Test(
    "A bad Mooncake row ends in one line that names it",
    arguments: [
      ("\"timestamp\": 3052", "\"timestamp\": -1", "\"timestamp\" is negative"),
      ("\"timestamp\": 3052", "\"timestamp\": \"3052\"", "\"timestamp\" is not a number"),
      ("\"timestamp\": 3052, ", "", "\"timestamp\" is missing"),
      ("\"input_length\": 13", "\"input_length\": 13.5", "\"input_length\" is not a whole number"),
      ("\"input_length\": 13", "\"input_length\": 9999999999", "\"input_length\" is larger than"),
      ("\"output_length\": 1", "\"output_length\": -1", "\"output_length\" is negative"),
      ("\"hash_ids\": []", "\"hash_ids\": [1, 2]", "2 block ids for a prompt of 13 tokens"),
      ("\"hash_ids\": []", "\"hash_ids\": [-1]", "a block's id is negative"),
      ("\"hash_ids\": []", "\"hash_ids\": [1", "unexpected '}'"),
    ])
  func mooncake(old: String, new: String, expected: String) throws {
    let text = try #require(Workloads.mooncake.replacing(once: old, with: new))
    let error = try error(text, .mooncake)
    #expect(error.message.hasPrefix("dir/sample.x:3: "))
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(!error.message.contains("\n"))
  }

  @Test(
    "A bad Azure row ends in one line that names it",
    arguments: [
      ("396", "many", "ContextTokens is not a whole number"),
      ("396", "-396", "ContextTokens is negative"),
      ("396", "3 96", "ContextTokens is not a number"), ("396", "", "ContextTokens is empty"),
      ("396", "\"3,96\"", "ContextTokens is not a number"),
      ("109", "1e2", "GeneratedTokens is not"),
      ("396,109", "396", "2 fields where the header has 3 columns"),
      ("396,109", "396,109,1", "4 fields where the header has 3 columns"),
      ("396", "39\"6", "quotation mark inside a field"), ("396", "\"396", "is not closed"),
      ("396", "\"396\"x", "text behind a closing quotation mark"),
      ("18:15:50", "18:15:60", "does not exist"), ("18:15:50", "24:15:50", "does not exist"),
      ("2023-11-16 18:15:50", "2023-02-29 18:15:50", "does not exist"),
      ("2023-11-16 18:15:50", "16/11/2023 18:15", "not a timestamp like"),
      ("50.9951690", "50.", "not a timestamp like"),
      ("50.9951690", "50.1+0", "not a timestamp like"),
      ("50.9951690", "40.0", "before the row in front of it"),
      ("2023-11-16 18:15:50", "2199-11-16 18:15:50", "a hundred years"),
    ])
  func azure(old: String, new: String, expected: String) throws {
    let parts = Workloads.azure.split(separator: "\r\n").map(String.init)
    let bad = try #require(parts[2].replacing(once: old, with: new))
    let error = try error([parts[0], parts[1], bad].joined(separator: "\n") + "\n", .azure)
    #expect(error.message.hasPrefix("dir/sample.x:3: "))
    #expect(error.message.contains(expected), "\(error.message)")
  }

  @Test(
    "Rows out of order are refused where they break the order", arguments: WorkloadFormat.allCases)
  func unordered(format: WorkloadFormat) throws {
    let bad: [WorkloadFormat: (String, String)] = [
      .mooncake: (
        "\"timestamp\": 0, \"input_length\": 6758", "\"timestamp\": 1, \"input_length\": 6758"
      ),
      .azure: ("18:15:46.6805900,374", "18:15:51.0,374"), .burstgpt: ("5,ChatGPT", "46,ChatGPT"),
      .qwenBailian: ("0.0", "4.3"),
    ]
    let (old, new) = try #require(bad[format])
    let text = try #require(Workloads.text(format).replacing(once: old, with: new))
    let error = try error(text, format)
    #expect(error.kind == .inconsistent)
    #expect(error.line == (format == .azure || format == .burstgpt ? 3 : 2))
    #expect(error.message.contains("sort the file by time"))
  }

  @Test(
    "A BurstGPT time that is no number is refused", arguments: ["5.", "x", "-5", "1e", "5 s", ""])
  func burstGPT(time: String) throws {
    let text = try #require(
      Workloads.burstGPT.replacing(once: "5,ChatGPT", with: time + ",ChatGPT"))
    let error = try error(text, .burstgpt)
    #expect(error.message.hasPrefix("dir/sample.x:2: Timestamp is "), "\(error.message)")
  }

  @Test("The same chat twice is refused")
  func repeatedChat() throws {
    let error = try error(Workloads.qwenBailian + Workloads.qwenBailian, .qwenBailian)
    #expect(error.message == "dir/sample.x:4: chat_id 0 a second time")
  }

  @Test("A file of another format is named as such on its first line")
  func foreign() throws {
    for format in WorkloadFormat.allCases {
      for other in WorkloadFormat.allCases where other != format {
        let error = try error(Workloads.text(other), format)
        #expect(error.line == 1)
        // Bailian rows have every key of Mooncake's; only their number of blocks tells them apart.
        if other == .qwenBailian, format == .mooncake { continue }
        #expect(error.kind == .foreignFormat, "\(other) as \(format): \(error.message)")
        #expect(error.message.contains("is this of the \(format.rawValue) format"))
      }
      for text in ["", "\n", "\u{0}\u{1}", "hello, world"] {
        #expect(try self.error(text, format).kind == .foreignFormat, "\(format)")
      }
    }
  }

  @Test("A file whose rows are all dropped is an error that says why")
  func allDropped() throws {
    let error = try error(
      "Timestamp,Request tokens,Response tokens\n1,5,0\n", .burstgpt)
    #expect(
      error.message
        == "dir/sample.x: no requests in the file (row with 0 output tokens dropped: "
        + "the request failed or returned nothing)")
  }
}

extension String {
  /// The text with the first occurrence of a part replaced; `nil` where it does not occur.
  func replacing(once old: String, with new: String) -> String? {
    guard contains(old) else { return nil }
    return split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
      .joined(separator: new)
  }
}
