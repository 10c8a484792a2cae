/**
 * The variables that say which calls are recorded, and where their sound is kept.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { count, HttpUrl, onOrOff, text } from "./Values.ts"
import { optional, type ValuesOf, withDefault } from "./Variable.ts"

export const recordingVariables = {
  RECORDING: onOrOff("off"),
  RECORDING_DIR: text("a folder that the service may write to", "data/recordings"),
  RECORDING_DAYS: count(1, 3650, 30),
  S3_BUCKET: text("the name of a bucket", "call-recordings"),
  S3_ENDPOINT: optional(HttpUrl, "the http or https URL of an S3-compatible store, without a query", "https://s3.example.com"),
  S3_REGION: withDefault(Schema.NonEmptyString, "us-east-1", "the name of a region", "us-east-1"),
  S3_ACCESS_KEY_ID: text("the id of an access key", "replace-me"),
  S3_SECRET_ACCESS_KEY: optional(Schema.RedactedFromValue(Schema.NonEmptyString), "the secret of an access key", "replace-me"),
  S3_PREFIX: text("the beginning of all object names", "recordings/")
} as const

export interface BucketSettings {
  /** The bucket's address, without a slash at its end. */
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  /** The beginning of all object names. It may be empty. */
  readonly prefix: string
}

export interface RecordingSettings {
  /** Whether calls are recorded even if neither their agent nor their request asks for it. A call without stored words is never recorded. */
  readonly recordsAllCalls: boolean
  /** The folder for the sound. Unset: the folder `recordings` in `DATA_DIR`. */
  readonly dir: Option.Option<string>
  /** How long sound is kept. */
  readonly keptFor: Duration.Duration
  /** The bucket for the sound. Unset: the sound stays in the folder. */
  readonly bucket: Option.Option<BucketSettings>
}

type Values = ValuesOf<typeof recordingVariables>

/** A line for each missing variable that the bucket needs. */
export const bucketProblems = ({ S3_ACCESS_KEY_ID, S3_BUCKET, S3_SECRET_ACCESS_KEY }: Values): ReadonlyArray<string> =>
  Option.isNone(S3_BUCKET) ? [] : [
    ...Option.isNone(S3_ACCESS_KEY_ID) ? ["S3_ACCESS_KEY_ID is missing while S3_BUCKET is set. Set it in the environment or in .env."] : [],
    ...Option.isNone(S3_SECRET_ACCESS_KEY) ? ["S3_SECRET_ACCESS_KEY is missing while S3_BUCKET is set. Set it in the environment or in .env."] : []
  ]

export const recordingSettings = (values: Values): RecordingSettings => ({
  recordsAllCalls: values.RECORDING,
  dir: values.RECORDING_DIR,
  keptFor: Duration.days(values.RECORDING_DAYS),
  bucket: Option.map(values.S3_BUCKET, (bucket) => {
    const endpoint = Option.match(values.S3_ENDPOINT, { onNone: () => `https://s3.${values.S3_REGION}.amazonaws.com`, onSome: ({ href }) => href.replace(/\/$/, "") })
    return {
      url: `${endpoint}/${encodeURIComponent(bucket)}`,
      region: values.S3_REGION,
      accessKeyId: Option.getOrElse(values.S3_ACCESS_KEY_ID, () => ""),
      secretAccessKey: Option.getOrElse(values.S3_SECRET_ACCESS_KEY, () => Redacted.make("")),
      prefix: Option.getOrElse(values.S3_PREFIX, () => "")
    }
  })
})
