! What Fortran declares that its object has to be asked for: arrays that are allocatable, pointers or of
! assumed shape, strings of any length; and COMMON blocks. Then it writes through a null pointer.
module shapes
  implicit none
  type point
    integer :: x, y
    real(8), allocatable :: weights(:)
    integer, pointer :: link(:)
  end type
contains
  subroutine crashes(slice, n, part, words, backwards, column, any)
    integer, intent(in) :: n
    integer, intent(inout) :: slice(:)
    real(4), intent(in) :: part(2:, -1:)
    character(len=*), intent(in) :: words
    integer, pointer, intent(in) :: backwards(:)
    character(len=*), intent(in) :: column(:)
    integer, intent(in) :: any(..)
    integer, allocatable :: table(:, :), not_allocated(:), nothing(:)
    integer, pointer :: not_associated(:)
    integer :: automatic(n, 2)
    character(len=:), allocatable :: text
    character(len=n) :: short
    type(point) :: one
    type(point), allocatable :: points(:)
    logical :: flag
    integer, pointer :: nowhere
    integer :: i, counts(3)
    real(8) :: ratio
    common /block/ ratio, i, counts
    nullify (not_associated, nowhere)
    allocate (table(2, 3), nothing(5:4), points(2))
    table = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    automatic = 7
    text = 'deferred'
    short = 'ab'
    one%x = 1
    one%y = 2
    allocate (one%weights(0:2))
    one%weights = [1.5d0, 2.5d0, 3.5d0]
    one%link => backwards
    points%x = [10, 20]
    points%y = [30, 40]
    nullify (points(1)%link, points(2)%link)
    flag = .true.
    i = 11
    ratio = 2.5d0
    counts = [1, 2, 3]
    call writes(nowhere, slice)
    print *, table, nothing, automatic, text, short, flag, part, words, column, rank(any)
  end subroutine
  subroutine writes(to, from)
    integer, pointer, intent(in) :: to
    integer, intent(in) :: from(:)
    to = from(1)
  end subroutine
end module
program fortran_values
  use shapes
  implicit none
  integer, target :: numbers(10)
  real(4) :: square(3, 3)
  integer, pointer :: backwards(:)
  character(len=3) :: column(2)
  integer :: i, grid(2, 2)
  numbers = [(i, i = 1, 10)]
  square = reshape([(real(i), i = 1, 9)], [3, 3])
  backwards => numbers(10:1:-3)
  column = ['one', 'two']
  grid = reshape([1, 2, 3, 4], [2, 2])
  call crashes(numbers(1:9:2), 2, square(1:3:2, :), 'some words', backwards, column, grid)
end program
