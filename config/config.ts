/** Everything that can be configured, validated and frozen before anything starts (see load.ts). */
export interface Config {
  readonly project: string
  /** Absolute path of the state of a running stack, `.mlforge` beside mlforge.yaml by default. */
  readonly stateDirectory: string
  /** Absolute path of downloads and builds that any checkout can share. */
  readonly cacheDirectory: string
  readonly offline: boolean
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; readonly pretty: boolean }
  readonly postgres: { readonly url: string; readonly poolSize: number }
  readonly redis: { readonly url: string }
  readonly temporal: {
    readonly address: string
    readonly namespace: string
    readonly tls: boolean
    /** Base address of Temporal Web, for the links in answers. */
    readonly webUrl: string
    /** How long closed workflows stay visible, in days. */
    readonly retentionDays: number
  }
  readonly objects: {
    readonly kind: 'local' | 's3'
    /** Absolute path of the local store. */
    readonly directory: string
    readonly s3: {
      /** Empty: that of AWS in the region. */
      readonly endpoint: string
      readonly region: string
      readonly bucket: string
      /** What all keys begin with: empty, or ending with `/`. */
      readonly prefix: string
      /** Both empty: found as the AWS SDK does it, such as the role of the machine. */
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly forcePathStyle: boolean
      readonly checksums: 'when_supported' | 'when_required'
    }
  }
  readonly api: {
    readonly host: string
    readonly port: number
    /** Host header values that are answered, besides loopback names. */
    readonly allowedHosts: readonly string[]
    readonly maxBodyBytes: number
    readonly maxUploadBytes: number
  }
  readonly worker: {
    /** A training that has not reported progress for this long is given to another worker. */
    readonly heartbeatTimeoutSeconds: number
    readonly trainSlots: number
    readonly ioSlots: number
    readonly drainSeconds: number
    /** Port of /live, /ready and /metrics. */
    readonly port: number
    /** Name under which Temporal versions workflow workers; empty: they are not versioned. */
    readonly deployment: string
    /** Build of this worker's workflows, where they are versioned; empty: version and commit of the code. */
    readonly build: string
  }
  readonly serving: {
    readonly host: string
    /** Port of the first replica; the others take the ones after it. 0: free ones. */
    readonly port: number
    /** How many replicas `mlforge up` runs. */
    readonly replicas: number
    /** Threads of a replica that score rows. */
    readonly threads: number
    /** How often a replica looks for new plans and keys. */
    readonly pollSeconds: number
    /** Rows that may wait to be scored; beyond it requests are refused. */
    readonly queueRows: number
    readonly deadlineSeconds: number
    /** How long a replica that is told to stop may send what is left of its log. */
    readonly drainSeconds: number
    /** Predictions whose id is remembered, so that the same id again gets the first answer. */
    readonly recentIds: number
    /** The prediction log: a segment is sealed when it is so old or so large, whichever comes first. */
    readonly sealSeconds: number
    readonly segmentBytes: number
    /** What a loss of power may take. */
    readonly flushSeconds: number
    /** Bytes that a replica's unsent log may take; beyond it predictions are answered and not logged. */
    readonly logBudgetBytes: number
  }
  readonly rollouts: {
    /** Time between two looks of a rollout at its evidence. */
    readonly lookEverySeconds: number
    /** How often it is looked for moves of aliases that deployments follow. */
    readonly followEverySeconds: number
  }
  readonly monitoring: {
    /** How often it is looked for windows that are due. */
    readonly intervalSeconds: number
  }
  readonly labels: {
    /** How often labels and predictions are brought together. */
    readonly intervalSeconds: number
    /** How long a label may be without its prediction before it is reported. */
    readonly holdSeconds: number
  }
  /** Small files of the prediction log become large ones. */
  readonly compaction: {
    readonly intervalSeconds: number
    /** Files of one day and plan that are merged while more of them come. */
    readonly minFiles: number
    /** A day to which so long nothing was added is merged whole. */
    readonly quietSeconds: number
    /** No merge makes a file beyond these. */
    readonly maxRows: number
    readonly maxBytes: number
    /** How long a file that was replaced can still be read; longer than anybody reads. */
    readonly graceHours: number
  }
  readonly data: {
    /** How long a pack that no version needs, and an object that no pack is, stay before a collection removes them. */
    readonly graceMinutes: number
  }
  /** Who is told of runs, and of what they have read and written, by OpenLineage. */
  readonly lineage: {
    /** Where events are posted to; empty: nobody is told. */
    readonly url: string
    /** Sent as a bearer token; empty: none. */
    readonly apiKey: string
    /** Of all jobs and datasets. */
    readonly namespace: string
  }
  readonly scripts: {
    /** Where pipelines find the files of their scripts: the directory of mlforge.yaml by default. */
    readonly directory: string
  }
  readonly retries: {
    /** How often failed runs are looked at. */
    readonly intervalSeconds: number
    /** Codes of failures that are picked up again by themselves. */
    readonly codes: readonly string[]
    readonly maxAttempts: number
    readonly delaySeconds: number
    /** Starts after the first one, of runs of one kind and name in 24 hours; beyond it automatic ones wait. */
    readonly perDay: number
    /** Tries of one activity, within one start of its run, that may end in an error of ours. */
    readonly activityAttempts: number
  }
  readonly reconcile: { readonly intervalSeconds: number; readonly untouchedSeconds: number }
  /** What `mlforge up` starts by itself; parts whose address is configured above are not started. */
  readonly embedded: {
    /** Temporal's command line program; empty: PATH, the cache, a download or a build. */
    readonly temporalPath: string
    /** Program `redis-server`; empty: PATH or what can be installed. */
    readonly redisPath: string
    /** Ports of the embedded servers; 0: a free one, remembered in the state directory. */
    readonly postgresPort: number
    readonly redisPort: number
    readonly temporalPort: number
    readonly temporalUiPort: number
  }
}

/** What is known before the stack runs: the addresses of parts that are not external are missing. */
export type Settings = Omit<Config, 'postgres' | 'redis' | 'temporal'> & {
  readonly postgres: Omit<Config['postgres'], 'url'> & { readonly url: string | undefined }
  readonly redis: { readonly url: string | undefined }
  readonly temporal: Omit<Config['temporal'], 'address'> & { readonly address: string | undefined }
}
