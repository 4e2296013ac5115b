import { ApiProperty } from '@nestjs/swagger'
import { Matches } from 'class-validator'
import type { FileReading, Upload, UploadQuery } from '../../contracts/rest/uploads.js'
import {
  type Encoding,
  ENCODINGS,
  type StatedReading,
  TABLE_FORMATS,
  type TableFormat,
} from '../../domain/datasets/reading.js'
import { ChoiceField, TextField } from '../http/fields.js'

export class UploadQueryDto implements UploadQuery {
  @TextField({
    optional: true,
    min: 1,
    max: 255,
    description: 'kept with the upload, for people',
    example: 'day.csv',
  })
  @Matches(/^[^/\\\p{Cc}]*$/u, { message: 'fileName is a name without a path or control characters' })
  fileName?: string
  @ChoiceField(TABLE_FORMATS, { optional: true, description: 'the content tells; another one is refused' })
  format?: TableFormat
  @ChoiceField(ENCODINGS, {
    optional: true,
    description: 'of text; UTF-8, and UTF-16 with a byte order mark, are found',
  })
  encoding?: Encoding
  @ChoiceField(['comma', 'semicolon', 'tab', 'pipe'], {
    optional: true,
    description: 'of CSV; found in the header',
  })
  delimiter?: keyof typeof DELIMITER_NAMES
  @ChoiceField(['double', 'single', 'none'], { optional: true, description: 'of CSV; found in the header' })
  quote?: keyof typeof QUOTE_NAMES
  @ChoiceField(['true', 'false'], {
    optional: true,
    description:
      'of CSV: whether the first line names the columns; true, but for a line of nothing but values',
  })
  header?: 'true' | 'false'
  @ChoiceField(['refuse', 'keep'], {
    optional: true,
    default: 'refuse',
    description:
      'of CSV: what is done with a file that has rows with another number of fields; of a kept one they are put aside by a commit with badRows: quarantine',
  })
  ragged?: 'refuse' | 'keep'
}

const DELIMITER_NAMES = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' } as const
const QUOTE_NAMES = { double: '"', single: "'", none: '' } as const

/** What content types say of a file; of CSV it may be any dialect. */
const TYPE_READINGS: Readonly<Record<string, StatedReading>> = {
  'text/csv': { format: 'csv' },
  'text/tab-separated-values': { format: 'csv', delimiter: '\t' },
  'application/x-ndjson': { format: 'ndjson' },
  'application/jsonl': { format: 'ndjson' },
  'application/vnd.apache.parquet': { format: 'parquet' },
  'application/vnd.apache.arrow.file': { format: 'arrow' },
  'application/vnd.apache.arrow.stream': { format: 'arrow' },
}

/** What a query says of a file, else its content type. */
export function statedReading(query: UploadQueryDto, contentType: string | undefined): StatedReading {
  const { format, encoding, delimiter, quote, header, ragged } = query
  const type = contentType?.split(';')[0]!.trim().toLowerCase() ?? ''
  return {
    ...(format === undefined && TYPE_READINGS[type]),
    ...(format && { format }),
    ...(encoding && { encoding }),
    ...(delimiter && { delimiter: DELIMITER_NAMES[delimiter] }),
    ...(quote && { quote: QUOTE_NAMES[quote] }),
    ...(header && { header: header === 'true' }),
    ...(ragged && { ragged: ragged === 'keep' }),
  }
}

export class FileReadingDto implements FileReading {
  @ApiProperty({ enum: TABLE_FORMATS }) format!: TableFormat
  @ApiProperty({ enum: ENCODINGS, nullable: true, description: 'of text' }) encoding!: Encoding | null
  @ApiProperty({ type: String, nullable: true, description: 'of CSV', example: ',' }) delimiter!:
    string | null
  @ApiProperty({ type: String, nullable: true, description: 'of CSV; empty: none', example: '"' })
  quote!: string | null
  @ApiProperty({ type: Boolean, nullable: true, description: 'of CSV: its first line names the columns' })
  header!: boolean | null
  @ApiProperty({
    type: Boolean,
    nullable: true,
    description:
      'of CSV: there are rows with another number of fields than the header, which a commit puts aside',
  })
  ragged!: boolean | null
}

export class UploadDto implements Upload {
  @ApiProperty({ format: 'uuid' }) id!: string
  @ApiProperty({ type: String, nullable: true }) fileName!: string | null
  @ApiProperty() sha256!: string
  @ApiProperty({ type: 'integer' }) bytes!: number
  @ApiProperty({ type: FileReadingDto, description: 'as it was stated or found; a commit reads it so' })
  reading!: FileReadingDto
  @ApiProperty({ type: String, nullable: true, description: 'of CSV', example: ',' }) delimiter!:
    string | null
  @ApiProperty({
    type: [String],
    nullable: true,
    description: 'null of Parquet and Arrow: their commit reads them',
  })
  columns!: string[] | null
  @ApiProperty({ type: 'integer', nullable: true }) rows!: number | null
  @ApiProperty({ format: 'date-time' }) createdAt!: string
}
