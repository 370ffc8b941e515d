import Testing
import TraceImport
import TraceModel

struct WorkloadFormatTests {
  @Test("Mooncake rows keep their milliseconds and their block ids")
  func mooncake() throws {
    let workload = try Workloads.read(Workloads.mooncake, .mooncake)
    #expect(
      workload.rows == [[0, 0, 6758, 500], [1, 0, 600, 490], [2, 3_052_000_000, 13, 1]])
    #expect(workload.requests.map(\.prefixBlocks) == [Array(0...13), [0, 14], []])
    #expect(workload.header.prefixBlockTokens == 512)
    #expect(workload.notes == [])
  }

  @Test("Fractions of a millisecond and unknown keys, as other tools write them, are taken")
  func mooncakeVariants() throws {
    let workload = try Workloads.read(
      #"{"timestamp":0.25,"session_id":"a","output_length":2,"input_length":3}"#, .mooncake)
    #expect(workload.rows == [[0, 250_000, 3, 2]])
    #expect(workload.notes == [#"unknown key "session_id" skipped"#])
  }

  @Test("Azure's clock is read to 100 ns and counted from the first row")
  func azure() throws {
    let workload = try Workloads.read(Workloads.azure, .azure)
    #expect(
      workload.rows == [
        [0, 0, 374, 44], [1, 4_314_579_000, 396, 109], [2, 20_653_319_410_100, 879, 55],
      ])
    #expect(workload.header["time_zero"] == .string("2023-11-16 18:15:46.6805900"))
    #expect(workload.header.prefixBlockTokens == nil)
  }

  @Test(
    "Timestamps of 2024 and of other writers name the same moments",
    arguments: [
      "2024-05-10 00:00:01.5", "2024-05-10 00:00:01.500000+00:00", "2024-05-10T00:00:01.5Z",
      "2024-05-10 02:00:01.5+02:00", "2024-05-09 19:30:01.500000000999-0430",
      "\"2024-05-10 00:00:01.5\"",
      "2024-05-10 03:00:01.5+03",
    ])
  func azureTimestamps(text: String) throws {
    let workload = try Workloads.read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00+00:00,2,3\n\(text),1,1\n",
      .azure)
    #expect(workload.requests.last?.arrival == Nanoseconds(1_500_000_000))
  }

  @Test("Leap days and centuries are where the calendar has them")
  func calendar() throws {
    func days(_ from: String, _ to: String) throws -> Int64? {
      let rows = "\(from) 00:00:00,1,1\n\(to) 00:00:00,1,1"
      let workload = try Workloads.read(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows, .azure)
      return workload.rows.last.map { $0[1] / 86_400_000_000_000 }
    }
    #expect(try days("1970-01-01", "2000-03-01") == 11_017)
    #expect(try days("2024-02-28", "2024-03-01") == 2)
    #expect(try days("2023-02-28", "2023-03-01") == 1)
    #expect(try days("2100-02-28", "2100-03-01") == 1)
    #expect(try days("2023-12-31", "2024-12-31") == 366)
  }

  @Test(
    "BurstGPT is read by column name, and failed requests are dropped and counted",
    arguments: [
      Workloads.burstGPT,
      """
      Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
      5,,1.5,ChatGPT,472,18,490,Conversation log
      45,,0,ChatGPT,0,0,0,Conversation log
      118.0,9,2,GPT-4,417,276,693,Conversation log
      118,9,0,GPT-4,10,0,10,API log
      """,
      "\u{FEFF}Response tokens,Request tokens,\"Log \"\"Type\"\"\",Timestamp\r\n18,472,\"a,b\",5\r\n"
        + "0,0,,45\r\n\r\n\"276\",417,,\"118\"\r\n0,10,,118",
    ])
  func burstGPT(text: String) throws {
    let workload = try Workloads.read(text, .burstgpt)
    #expect(workload.rows == [[0, 5_000_000_000, 472, 18], [2, 118_000_000_000, 417, 276]])
    #expect(
      workload.notes == [
        "row with 0 output tokens dropped: the request failed or returned nothing (2 times)"
      ])
  }

  @Test("Bailian's content ids are chained, so that equal identities mean equal prefixes")
  func qwenBailian() throws {
    let workload = try Workloads.read(Workloads.qwenBailian, .qwenBailian)
    #expect(
      workload.rows == [[0, 0, 40, 10], [102, 4_290_000_000, 64, 5], [7, 4_290_000_000, 20, 5]])
    #expect(workload.header.prefixBlockTokens == 16)
    let blocks = workload.requests.map(\.prefixBlocks)
    #expect(blocks.map(\.count) == [3, 4, 2])
    #expect(blocks[0][..<2] == blocks[1][..<2])
    #expect(Set(blocks.joined()).count == 3 + 2 + 2)
    #expect(blocks.joined().allSatisfy { $0 <= UInt64(Int64.max) })
    #expect(workload.notes == [])
  }

  @Test("A prompt of nothing is dropped with a note")
  func emptyPrompt() throws {
    let workload = try Workloads.read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-01-01 00:00:00,0,5\n2023-01-01 00:00:01,5,5",
      .azure)
    #expect(workload.rows == [[1, 1_000_000_000, 5, 5]])
    #expect(workload.notes == ["row with 0 prompt tokens dropped: there is nothing to compute"])
  }

  @Test("Every header says where the workload comes from and names no engine")
  func headers() throws {
    for format in WorkloadFormat.allCases {
      let header = try Workloads.read(Workloads.text(format), format).header
      #expect(header["source"] == .string("sample.x"))
      #expect(header["source_format"] == .string(format.rawValue))
      #expect(header.workload == "sample")
      #expect(header["time_unit"] == .string("s"))
      #expect(header["time_zero"] != nil)
      #expect(header.engine == nil)
    }
  }
}
