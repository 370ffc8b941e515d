// swift-tools-version: 6.3
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let realNumbers = Target.Dependency.product(name: "RealModule", package: "swift-numerics")

func target(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [],
  resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: exclude, resources: resources,
    // Tests of an optimized build are compiled a third faster so, and run a few seconds longer.
    swiftSettings: swiftSettings + [.unsafeFlags(["-Onone"])])
}

let package = Package(
  name: "reprise",
  products: [
    .executable(name: "reprise", targets: ["reprise"]),
    .library(name: "RepriseRecorder", type: .dynamic, targets: ["TraceRecorder"]),
    .library(name: "TraceReading", targets: ["TraceFile", "TraceImport", "ConfigurationFiles"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
  ],
  targets: [
    // MARK: C
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "CCUDADriver"),
    .target(name: "CRepriseRecorder"),
    .target(
      name: "CMachineProfiles", exclude: ["nvidia-h200.json", "nvidia-h200-noise.json"],
      cSettings: [.headerSearchPath(".")]),
    .target(
      name: "CPublishedFigures", exclude: ["published.json", "mla-h200.json"],
      cSettings: [.headerSearchPath(".")]),

    // MARK: Core
    target("TraceModel"),
    target("KernelSelection", ["TraceModel"]),
    target(
      "StepTiming", ["KernelSelection", "TraceModel", realNumbers],
      exclude: ["ACCURACY.md"]),
    target(
      "EngineSimulation", ["StepTiming", "KernelSelection", "TraceModel", collections],
      exclude: ["INVARIANTS.md", "SCHEDULER.md"]),
    target("Metrics", ["TraceModel"]),
    target("RuleTuning", ["StepTiming", "KernelSelection", "Metrics", "TraceModel"]),

    // MARK: Edges
    .target(
      name: "TraceFile", dependencies: ["TraceModel", "CZstd"], exclude: ["FORMAT.md"],
      swiftSettings: swiftSettings,
      linkerSettings: [.linkedLibrary(":libzstd.a")]),
    .target(
      name: "TraceRecorder", dependencies: ["TraceFile", "TraceModel", "CRepriseRecorder"],
      exclude: ["README.md", "BENCHMARK.md"], swiftSettings: swiftSettings,
      // What comes out of archives (zstd, the Swift runtime) stays inside the library: it is not to
      // meet another copy in the process that loads it.
      linkerSettings: [.unsafeFlags(["-Xlinker", "--exclude-libs=ALL"])]),
    target("TraceImport", ["TraceModel"]),
    .target(
      name: "ClientLogs", dependencies: ["TraceFile", "TraceModel"], exclude: ["README.md"],
      swiftSettings: swiftSettings),
    .target(
      name: "ConfigurationFiles",
      dependencies: ["EngineSimulation", "KernelSelection", "TraceModel", "CYAML"],
      exclude: ["README.md"], swiftSettings: swiftSettings,
      linkerSettings: [.linkedLibrary(":libyaml.a")]),
    target("MachineProfiles", ["StepTiming", "KernelSelection", "TraceModel", "CMachineProfiles"]),
    target(
      "Reports",
      [
        "RuleTuning", "EngineSimulation", "StepTiming", "KernelSelection", "Metrics", "TraceModel",
      ], exclude: ["VALIDATION.md"]),
    target("CUDADriver", ["TraceModel", "CCUDADriver"]),
    target("KernelImages", ["TraceModel"]),
    target(
      "GPUMeasurement",
      [
        "KernelImages", "CUDADriver", "MeasurementStore", "StepTiming", "KernelSelection",
        "TraceModel",
      ],
      exclude: [
        "README.md", "H200.md", "device-check.sh", "short_memory.py", "cta_placement.py",
        "output_layer.py",
      ]),
    .target(
      name: "MeasurementStore", dependencies: ["KernelSelection", "TraceModel", "CSQLite"],
      exclude: ["README.md"], swiftSettings: swiftSettings,
      // The archive, so that the program runs where no SQLite is installed; its mathematics needs libm.
      linkerSettings: [.linkedLibrary(":libsqlite3.a"), .linkedLibrary("m")]),

    // MARK: Program
    .target(
      name: "RepriseCommands",
      dependencies: [
        "Reports", "RuleTuning", "GPUMeasurement", "KernelImages", "CUDADriver", "MeasurementStore",
        "MachineProfiles", "ConfigurationFiles", "ClientLogs", "TraceImport", "TraceFile",
        "EngineSimulation", "StepTiming", "KernelSelection", "Metrics", "TraceModel",
        "CPublishedFigures", argumentParser,
      ],
      // It reads options and hands over: half a minute less to compile, and nothing longer to run.
      swiftSettings: swiftSettings + [.unsafeFlags(["-Onone"])]),
    .executableTarget(
      name: "reprise", dependencies: ["RepriseCommands"], swiftSettings: swiftSettings),

    // MARK: Tests
    .target(
      name: "TestSupport", dependencies: ["TraceModel"], path: "Tests/TestSupport",
      swiftSettings: swiftSettings),
    tests("TraceModelTests", ["TraceModel", "TestSupport"]),
    tests("KernelSelectionTests", ["KernelSelection", "TraceModel", "TestSupport"]),
    tests(
      "ConfigurationFilesTests",
      ["ConfigurationFiles", "EngineSimulation", "KernelSelection", "TraceModel", "TestSupport"]),
    tests(
      "StepTimingTests",
      ["StepTiming", "MachineProfiles", "KernelSelection", "TraceModel", "TestSupport"],
      exclude: ["Fixtures"]),
    tests(
      "EngineSimulationTests",
      ["EngineSimulation", "StepTiming", "KernelSelection", "TraceModel", "TestSupport"],
      exclude: ["Fixtures"]),
    tests("ClientLogsTests", ["ClientLogs", "TraceModel", "TestSupport"]),
    tests(
      "RuleTuningTests",
      ["RuleTuning", "ConfigurationFiles", "StepTiming", "KernelSelection", "TraceModel"]),
    tests("MetricsTests", ["Metrics", "TraceModel", "TestSupport"], exclude: ["Fixtures"]),
    tests(
      "TraceFileTests", ["TraceFile", "TraceModel", "TestSupport"],
      exclude: ["Corrupt", "Fixtures", "Golden"]),
    tests("TraceRecorderTests", ["TraceRecorder"]),
    tests(
      "TraceImportTests", ["TraceImport", "TraceModel", "TestSupport"], exclude: ["Fixtures"]),
    tests(
      "RepriseCommandsTests",
      [
        "RepriseCommands", "Reports", "GPUMeasurement", "KernelImages", "KernelManifestSample",
        "CUDADriver", "CUDADriverFake", "ClientLogs", "MachineProfiles", "MeasurementStore",
        "TraceFile", "TraceImport", "EngineSimulation", "Metrics", "KernelSelection", "StepTiming",
        "TraceModel", "TestSupport",
      ], exclude: ["Golden"]),
    .target(
      name: "CUDADriverFake", dependencies: ["CUDADriver", "CCUDADriver"],
      path: "Tests/CUDADriverFake", swiftSettings: swiftSettings),
    tests(
      "CUDADriverTests", ["CUDADriver", "CUDADriverFake", "TraceModel", "TestSupport"],
      exclude: ["Golden"]),
    tests(
      "MeasurementStoreTests", ["MeasurementStore", "KernelSelection", "TraceModel", "TestSupport"]),
    .target(
      name: "KernelManifestSample", dependencies: ["KernelImages"],
      path: "Tests/KernelManifestSample", swiftSettings: swiftSettings),
    tests("KernelImagesTests", ["KernelImages", "KernelManifestSample"]),
    tests(
      "GPUMeasurementTests",
      [
        "GPUMeasurement", "KernelImages", "KernelManifestSample", "CUDADriver", "CUDADriverFake",
        "MeasurementStore", "StepTiming", "KernelSelection", "TraceModel", "TestSupport",
      ]),
    tests("TidyTests", ["KernelSelection", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu2x
)
