/** The API's answers as a client may rely on them (docs/API.md): a record, and a page of records. */
import { z } from 'zod'

/** "DB2": who served it. */
export const serverShape = z.string().regex(/^DB\d+$/)

export const recordShape = z.object({
  id: z.int().positive(),
  message: z.string(),
  origin: serverShape,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

export const pageShape = z.object({
  records: z.array(recordShape),
  next: z.int().positive().nullable(),
  server: serverShape,
})
