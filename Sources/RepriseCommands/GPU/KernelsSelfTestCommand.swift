import ArgumentParser
import CUDADriver
import GPUMeasurement
import KernelImages

/// `reprise kernels selftest`: compiled kernels against float64 on the GPU.
struct KernelsSelfTestCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Hold every compiled kernel to a float64 reference on this machine's GPU.",
    discussion: """
      Random inputs from a seed that is printed; rows of length 0, 1, one beside tiles, blocks and \
      segments, and 100,000; prompts beside single tokens. Outputs hold NaN before each run. Exits with \
      1 if a kernel is wrong.
      """)

  @Option(help: "Compiled kernels. Default: ~/.cache/reprise/kernels.")
  var kernels: String?

  @Option(help: "What inputs are drawn from. Default: anew each time.")
  var seed: UInt64?

  @Option(help: "Only this variant, as builds name it; may be given more than once.")
  var variant: [String] = []

  @Flag(help: "Small batches alone, as for a run under compute-sanitizer.")
  var quick = false

  func run(on console: Console) throws {
    let directory = kernels ?? KernelsCommand.defaultDirectory
    let test = try KernelSelfTest(
      driver: CUDADriver(),
      manifest: { architecture throws(KernelImageError) in
        try KernelManifest(directory: directory, architecture: architecture)
      })
    let report = try test.run(
      seed: seed ?? UInt64.random(in: 0..<1 << 32), variants: variant, isQuick: quick)
    guard !report.results.isEmpty else {
      throw CommandError.usage(
        "no variant of these names was built into '\(directory)'; see the names in its manifest.json"
      )
    }
    try console.print(report.text)
    let misses = report.results.filter { $0.miss != nil }
    guard report.isPassed else {
      throw CommandError.failed(
        "\(misses.count) of \(report.results.count) runs are wrong, first "
          + "'\(misses[0].variant)' on '\(misses[0].batch)': \(misses[0].miss ?? ""); "
          + "run again with --seed \(report.seed) --variant \(misses[0].variant)")
    }
  }
}
