import { Component, type ReactNode } from 'react'

import { Fault } from '../parts/Fault'

/** A page that fails leaves the room standing: the fault is said, head and notice stay. */
export class Safe extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <div className="room-page">
        <Fault error={this.state.error} onRetry={() => window.location.reload()} />
      </div>
    )
  }
}
