/** The webhooks of calls in the table `deliveries`. All times are ms since 1970. */

export interface StoredDelivery {
  readonly id: string
  readonly type: string
  readonly state: "pending" | "delivered" | "failed"
  /** How often the service has tried to send the webhook. */
  readonly attempts: number
  /** When the webhook is sent next. `null`: it is not sent again. */
  readonly nextAt: number | null
  readonly lastError: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

export interface DeliveryRow {
  readonly id: string
  readonly type: string
  readonly state: StoredDelivery["state"]
  readonly attempts: number
  readonly next_at: number | null
  readonly last_error: string | null
  readonly created_at: number
  readonly updated_at: number
}

export const toDelivery = (row: DeliveryRow): StoredDelivery => ({
  id: row.id,
  type: row.type,
  state: row.state,
  attempts: row.attempts,
  nextAt: row.next_at,
  lastError: row.last_error,
  createdAt: row.created_at,
  updatedAt: row.updated_at
})
