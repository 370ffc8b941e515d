// swift-tools-version: 6.3
import PackageDescription

/// The flags that make libFuzzer see which code an input reaches.
let coverage = SwiftSetting.unsafeFlags(["-sanitize=fuzzer"])
let runtime = LinkerSetting.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])

func fuzzer(_ name: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["Fuzzing", .product(name: "TraceReading", package: "reprise")],
    swiftSettings: [coverage], linkerSettings: [runtime])
}

let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "reprise", path: "../..")],
  targets: [
    .target(name: "CFuzzer"),
    .target(name: "Fuzzing", dependencies: ["CFuzzer"], swiftSettings: [.strictMemorySafety()]),
    fuzzer("FuzzTrace"),
    fuzzer("FuzzStepLog"),
    fuzzer("FuzzMooncake"),
    fuzzer("FuzzAzure"),
    fuzzer("FuzzBurstGPT"),
    fuzzer("FuzzQwenBailian"),
    fuzzer("FuzzDynamo"),
    fuzzer("FuzzRule"),
    fuzzer("FuzzEngine"),
  ],
  swiftLanguageModes: [.v6])
